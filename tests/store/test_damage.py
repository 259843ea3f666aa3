"""Files damaged in any way: each is opened or refused, and no number of it is ever another than was written."""

from __future__ import annotations

import itertools
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kept import Play, begin, file_of, train, value
from reading import assert_nothing_wrong, read_all, read_file
from workers import Worker, together

from kcb_widgets import Run
from kcb_widgets.record import curves, downsampling
from kcb_widgets.record.table import CHUNK
from kcb_widgets.store.reader import NotARunFile
from kcb_widgets.store.schema import PAGE_SIZE

pytestmark = pytest.mark.timeout(1500)  # many files, on a machine that may do other things

CASES = 20  # corruptions of an example
SMALL, LARGE = 500, 25  # examples
WORKERS = 3
SLOW_S = 45.0
MORE = 200 << 20  # bytes that reading a file of some hundred kB may take, all libraries warm
PARTS = {"header": 100, "page": 64, "end": 900}


# -- whole files -------------------------------------------------------------------------------------------------------


def played(folder, seed, acts):
    """A small run with rollbacks, NaN, several layouts and irregular steps."""
    play = Play(seed)
    play.train()
    file = file_of(play.run, folder, tags=("a",), notes="b", config={"c": 1})
    for act in (
        play.train,
        play.end_epoch,
        play.roll_back,
        play.value,
        play.event,
        play.evaluate,
        *([play.act] * acts),
    ):
        act()
        if play.random.random() < 0.5:
            file.commit(1.0)
    play.run.finish("finished")
    file.commit(1.0, whole=True)
    file.close()
    return file.path.read_bytes()


def long(folder):
    """A run with whole chunks, whose 64-row summaries are kept."""
    run = begin(("loss", "accuracy"), steps=CHUNK + 3000)
    file = file_of(run, folder)
    for first in range(0, CHUNK + 3000, 8192):
        train(run, min(8192, CHUNK + 3000 - first), ("loss", "accuracy"), first=first)
        file.commit(1.0)
    run.end_epoch(0, {"loss": value(1)})
    run.finish("finished")
    file.commit(1.0, whole=True)
    file.close()
    return file.path.read_bytes()


# -- damage ------------------------------------------------------------------------------------------------------------


def places():
    """Where something may be: anywhere, and more often where the structure is."""
    anywhere = st.tuples(st.just("any"), st.integers(0, 2**30))
    return st.one_of(anywhere, st.tuples(st.sampled_from(sorted(PARTS)), st.integers(0, 2**30)))


def damage():
    """A way to damage a file."""
    number, sizes = st.integers(0, 2**16), st.sampled_from([1, 2, 4, 16, 100, 512, 4096, 8192, 20_000])
    return st.one_of(
        st.tuples(st.just("flip"), places(), st.integers(0, 7)),
        st.tuples(st.just("write"), places(), st.binary(min_size=1, max_size=12)),
        st.tuples(st.just("zero"), places(), sizes),
        st.tuples(st.just("swap"), number, number),
        st.tuples(st.just("copy"), number, number),
        st.tuples(st.just("foreign"), number, number),
        st.tuples(st.just("cut"), st.integers(0, 2**30), st.booleans()),
        st.tuples(st.just("drop"), places(), sizes),
        st.tuples(st.just("append"), sizes, st.integers(0, 255)),
    )


def at(place, size):
    """A place in a file of ``size`` bytes."""
    kind, number = place
    pages = max(1, size // PAGE_SIZE)
    if kind == "any":
        return number % max(1, size)
    if kind == "header":
        return min(number % PARTS[kind], max(0, size - 1))
    inside = number // pages % PARTS[kind]
    begin = number % pages * PAGE_SIZE
    return min(begin + (inside if kind == "page" else PAGE_SIZE - 1 - inside), max(0, size - 1))


def damaged(data, how, other):
    """The bytes of a file after damage; ``other`` is another run's file."""
    kind, first, second = how
    pages = max(1, len(data) // PAGE_SIZE)

    def page(number, of=data):
        return bytes(of[number * PAGE_SIZE : (number + 1) * PAGE_SIZE])

    if not data:
        return data
    if kind == "flip":
        data[at(first, len(data))] ^= 1 << second
    elif kind == "write":
        begin = at(first, len(data))
        data[begin : begin + len(second)] = second
    elif kind == "zero":
        begin = at(first, len(data)) // second * second if second > 16 else at(first, len(data))
        data[begin : begin + second] = bytes(len(data[begin : begin + second]))
    elif kind in ("swap", "copy"):
        a, b = first % pages, second % pages
        one, two = page(a), page(b)
        data[b * PAGE_SIZE : (b + 1) * PAGE_SIZE] = one
        if kind == "swap":
            data[a * PAGE_SIZE : (a + 1) * PAGE_SIZE] = two
    elif kind == "foreign":
        a, b = first % pages, second % (len(other) // PAGE_SIZE)
        data[a * PAGE_SIZE : (a + 1) * PAGE_SIZE] = page(b if second % 3 else a % (len(other) // PAGE_SIZE), other)
    elif kind == "cut":
        del data[(first % len(data)) // (PAGE_SIZE if second else 1) * (PAGE_SIZE if second else 1) :]
    elif kind == "drop":
        begin = at(first, len(data))
        del data[begin : begin + second]
    elif kind == "append":
        data += bytes([second]) * first
    return data


def opened(path):
    """A run, or why there is none."""
    try:
        return Run.open(path)
    except NotARunFile as error:
        why = str(error)
    assert str(path) in why
    return why


class Job:
    """Damages a file, opens it and reads it; in a process of its own."""

    def __init__(self, whole, others, folder):
        self.whole, self.others, self.all = whole, others, folder
        self.truths, self.count = {}, itertools.count()

    def __call__(self, argument):
        number, ways, draw = argument
        if not self.truths:
            self.folder = Path(tempfile.mkdtemp(dir=self.all))
        if number not in self.truths:
            path = self.folder / f"truth{number}.sqlite"
            path.write_bytes(self.whole[number])
            self.truths[number] = Run.open(path)
            read_all(self.truths[number])
        data = bytearray(self.whole[number])
        for how in ways:
            data = damaged(data, how, self.others[number])
        count = next(self.count)
        here = Path(tempfile.mkdtemp(dir=self.folder))
        path = here / "a.sqlite"
        path.write_bytes(data)
        try:
            run = read_file(path, draw) if draw or count % 20 == 0 else opened(path)
            if isinstance(run, str):
                return "refused"
            truth = self.truths[number]
            assert_nothing_wrong(run, truth)
            if count % 4 == 0:
                assert_no_wrong_picture(run, truth)
            assert path.read_bytes() == data
            assert sorted(each.name for each in here.iterdir()) == ["a.sqlite"]
        finally:
            path.unlink()
            here.rmdir()
        return "gaps" if [event for event in run.events_list if event.name == "file"] else "whole"


def assert_no_wrong_picture(run, truth):
    rows = min(run.batch_table.rows, truth.batch_table.rows)
    found, wanted = (downsampling.window(curves.batches(each), 0, rows, 300) for each in (run, truth))
    if found is None or run.batch_values.names != truth.batch_values.names:  # then it is the running means, and says so
        return
    columns = len(found.minimum)
    whole = rows == truth.batch_table.rows and not [event for event in run.events_list if event.name == "file"]
    for name in ("minimum", "maximum", "mean"):
        one, other = getattr(found, name), getattr(wanted, name)[:columns]
        if whole:
            np.testing.assert_array_equal(one, other)
    missing = np.isnan(found.minimum) | np.isnan(wanted.minimum[:columns])
    assert (missing | (found.minimum >= wanted.minimum[:columns])).all()
    assert (missing | (found.maximum <= wanted.maximum[:columns])).all()


@pytest.fixture(scope="module")
def workers(tmp_path_factory):
    folder = tmp_path_factory.mktemp("damage")
    small = [played(folder / str(seed), seed, acts) for seed, acts in ((1, 6), (2, 14))]
    large = long(folder / "long")
    other = played(folder / "other", 9, 6)
    job = Job([*small, large], [other, small[0], other], folder)
    made = [Worker(job) for _ in range(WORKERS)]
    yield made
    for each in made:
        each.close()


def check(workers, number, cases, seen):
    draw = sum(seen.values()) % 2000 == 0
    answers = together(workers, [(number, case, draw and not i) for i, case in enumerate(cases)])
    for what, took, most in answers:
        assert took < SLOW_S
        seen[what] += 1
        seen["most"] = max(seen["most"], most)


SETTINGS = {"deadline": None, "derandomize": True, "suppress_health_check": list(HealthCheck), "database": None}


def run_examples(workers, base, examples):
    """Damage files at random; returns what came of it."""
    seen = Counter()

    @settings(max_examples=examples, **SETTINGS)
    @given(base, st.lists(st.lists(damage(), min_size=1, max_size=3), min_size=CASES, max_size=CASES))
    def search(number, cases):
        check(workers, number, cases, seen)

    for worker in workers:  # all that is loaded once, is
        worker.ask((0, [], True))
    before = max(worker.answer()[2] for worker in workers)
    search()
    print(dict(seen), (seen["most"] - before) >> 20, "MB")
    assert seen["most"] - before < MORE
    return seen


def test_a_damaged_file_is_refused_or_has_gaps_and_never_a_wrong_number(workers):
    seen = run_examples(workers, st.integers(0, 1), SMALL)
    assert seen["refused"] + seen["gaps"] + seen["whole"] >= SMALL * CASES
    assert min(seen["refused"], seen["gaps"], seen["whole"]) > 100


def test_so_is_a_damaged_file_with_summaries_of_its_rows(workers):
    seen = run_examples(workers, st.just(2), LARGE)
    assert min(seen["refused"], seen["gaps"], seen["whole"]) > 10
