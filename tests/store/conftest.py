"""A whole run file, and another process that reads what was made of it."""

from __future__ import annotations

import forge
import pytest
from kept import Play, file_of
from reading import measured
from workers import Worker

MEMORY = 200 << 20  # bytes that reading any of these files may take
SLOW_S = 45.0


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The bytes of a run that has everything."""
    play = Play(5)
    play.train()
    file = file_of(play.run, tmp_path_factory.mktemp("whole"), tags=("a",), notes="b", config={"a": {"b": 1}})
    for act in (
        play.train,
        play.end_epoch,
        play.roll_back,
        play.value,
        play.event,
        play.evaluate,
        play.tell,
        play.train,
    ):
        act()
        file.commit(1.0)
    play.run.finish("finished")
    file.commit(1.0, whole=True)
    file.close()
    return file.path.read_bytes()


@pytest.fixture
def path(tmp_path, whole):
    folder = tmp_path / "runs"
    folder.mkdir()
    path = folder / "a.sqlite"
    path.write_bytes(whole)
    return path


@pytest.fixture(scope="module")
def reader(tmp_path_factory, whole):
    """Reads files in another process, and looks at its time and memory."""
    path = tmp_path_factory.mktemp("warm") / "a.sqlite"
    path.write_bytes(whole)
    worker = Worker(measured)
    worker.ask((path, True))
    _, _, before = worker.answer()

    def read(path, draw=False):
        was = forge.fingerprint(path.parent)
        worker.ask((path, draw))
        found, took, most = worker.answer()
        assert took < SLOW_S
        assert most - before < MEMORY, f"{(most - before) >> 20} MB"
        assert forge.fingerprint(path.parent) == was
        return found

    yield read
    worker.close()
