"""The command kcb-widgets: what it prints, what it writes, its exit statuses, and how little it imports."""

from __future__ import annotations

import io
import json
import os
import pty
import subprocess
import sys

import keras
import pytest
from exported import hidden, odd_run
from foreign import EPOCHS, fit, write_events
from kept import begin, file_of, train, value

import kcb_widgets as kcb
from kcb_widgets.command_line import files
from kcb_widgets.command_line.main import main

EVIL = "evil\x1b[31m\nname \u202e[bold]größe"


def keep(run, folder, **about):
    file = file_of(run, folder, **about)
    file.commit(1.0, whole=True)
    file.close()
    return file.path


def simple(number):
    run = begin(("loss",), steps=5, epochs=2)
    for epoch in range(2):
        train(run, 5, ("loss",), epoch)
        run.end_epoch(epoch, {"loss": value(epoch + number), "val_loss": float(number)})
    run.started += number
    run.finish("finished")
    return run


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with ``runs`` in it, where we are."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COLUMNS", raising=False)
    for number in range(3):
        keep(simple(number), tmp_path / "runs", name=f"run-{number}", config={"rate": 10.0**-number, "same": 1})
    run = odd_run()
    run.started += 10
    about = {name: getattr(run, name) for name in ("tags", "notes", "config", "settings", "texts")}
    keep(run, tmp_path / "runs", **{**about, "name": EVIL, "settings": {"model.name": "mine", "model.layers": 2}})
    return tmp_path


@pytest.fixture
def ask(capsys):
    """A function that asks, and gives what was printed."""

    def asked(*arguments, status=0):
        capsys.readouterr()
        assert main(list(map(str, arguments))) == status
        return capsys.readouterr()

    return asked


def rows(text):
    return [line.split() for line in text.splitlines()]


# -- ls ----------------------------------------------------------------------------------------------------------------


def test_ls_lists_the_newest_first(folder, ask):
    said = ask("ls")
    header, first, *others = rows(said.out)
    assert header[:7] == ["id", "name", "started", "took", "status", "epochs", "loss"]
    assert first[1].startswith("evil")
    assert [row[1] for row in others] == ["run-2", "run-1", "run-0"]
    assert not said.err


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (["--sort", "val_loss", "--filter", "run-"], ["run-0", "run-1", "run-2"]),
        (["--sort", "val_loss", "--reverse", "--limit", "2"], ["run-2", "run-1"]),
        (["--sort", "config.rate", "--limit", "1"], ["run-2"]),
        (["--sort", "best_val_loss", "--filter", "RATE=0.1"], ["run-1"]),
        (["--sort", "name", "--reverse", "--limit", "1"], ["run-2"]),
        (["--sort", "config.same", "--limit", "3"], ["run-0", "run-1", "run-2"]),
        (["--filter", "nothing of the kind"], []),
    ],
)
def test_ls_sorts_and_filters(folder, ask, arguments, names):
    found = json.loads(ask("ls", "--json", *arguments).out)
    assert sorted(row["name"] for row in found) == sorted(names)
    if arguments[1] != "config.same":
        assert [row["name"] for row in found] == names


def test_a_files_texts_do_nothing_to_a_terminal(folder, ask):
    for arguments in (["ls"], ["show", EVIL], ["compare", "runs"], ["check"]):
        said = ask(*arguments)
        assert not {"\x1b", "\u202e"} & set(said.out + said.err)
    assert "[bold]größe" in ask("ls").out


def test_json_is_strict_and_ascii(folder, ask):
    def refuse(constant):
        raise AssertionError(constant)

    for arguments in (["ls"], ["show", "run-1"], ["show", EVIL], ["compare", "runs"], ["check"]):
        out = ask(*arguments, "--json").out
        assert out.isascii()
        assert json.loads(out, parse_constant=refuse)
    assert json.loads(ask("show", EVIL, "--json").out)["config"]["x"] == {"float": "NaN"}


def test_files_that_are_no_runs_are_counted(folder, ask):
    (folder / "runs" / "bad.sqlite").write_bytes(b"no database")
    assert "1 files cannot be read as runs: 'kcb-widgets check runs' says why" in ask("ls").err


# -- show, compare -----------------------------------------------------------------------------------------------------


def test_show_tells_what_a_run_was(folder, ask):
    out = ask("show", EVIL).out
    for text in ("stopped: StopIteration", "3 epochs, 9 steps", "config.depth", "learning_rate  0.5 → 0.25", "a, b"):
        assert text in out
    assert hidden(out)
    said = ask("show", "run-1", "--events", "0")
    assert "1 earlier events: --events 1" in said.err


def test_compare_has_only_what_differs(folder, ask):
    header, *lines = rows(ask("compare", "run-0", "run-1").out)
    assert header[:3] == ["id", "name", "config.rate"]
    assert "config.same" not in header
    assert [line[2] for line in lines] == ["1", "0.1"]
    found = json.loads(ask("compare", "runs", "--json").out)
    assert {name for row in found for name in row["differing"]} >= {"config.rate", "config.same", "model.name"}
    assert "it takes two runs" in ask("compare", "run-0", status=1).err


# -- export, import ----------------------------------------------------------------------------------------------------


def test_export_writes_what_other_programs_read_and_replaces_nothing(folder, ask):
    assert ask("export", "run-1", "--to", "csv", "-o", "run.csv").out == "run.csv\n"
    assert list(kcb.Run.from_csv("run.csv").epochs["val_loss"]) == [1, 1]
    assert "is there already" in ask("export", "run-1", "--to", "csv", "-o", "run.csv", status=1).err
    ask("export", "run-1", "--to", "csv", "-o", "run.csv", "--batches", "--force")
    assert (folder / "run.csv").read_text().startswith("step,epoch,batch,seconds,loss,batch_loss")
    assert json.loads(ask("export", "run-1", "--to", "json", "-o", "run.json", "--json").out)["written"] == ["run.json"]
    assert json.loads((folder / "run.json").read_text())["name"] == "run-1"
    ask("export", "run-1", "--to", "tensorboard", "-o", "logs")
    assert len(kcb.Run.from_tensorboard("logs").batches) == 10
    assert "is there already" in ask("export", "run-1", "--to", "tensorboard", "-o", "logs", status=1).err
    assert ask("export", "run-1", "--to", "json", "-o", "x", "--batches", status=2).err


def test_a_public_export_tells_nothing_of_who_made_it_and_says_what_it_left_out(folder, ask):
    said = ask("export", EVIL, "--to", "json", "-o", "run.json", "--public")
    for word in ("name", "notes", "tags", "config", "texts", "message", "1 of 2 settings", "the texts of"):
        assert word in said.err
    found = json.loads((folder / "run.json").read_text())
    text = json.dumps(found, ensure_ascii=False)
    assert hidden(text)
    assert not {"evil", "…", "StopIteration", "mine", "Model: digits"} & {
        word for word in ("evil", "…", "mine") if word in text
    }
    assert found["settings"] == {"model.layers": 2}
    assert {event["message"] for event in found["events"]} == {""}
    assert [event["new"] for event in found["events"] if event["kind"] == "applied"] == [0.25]
    assert len(found["batches"]["loss"]) == 9
    ask("export", EVIL, "--to", "tensorboard", "-o", "logs", "--public")
    assert b"mine" not in b"".join(path.read_bytes() for path in (folder / "logs").rglob("*tfevents*"))
    ask("export", EVIL, "--to", "html", "-o", "run.html", "--public")
    page = (folder / "run.html").read_text()
    data = page[page.index('id="kcb-data"') :].partition("</script>")[0]
    assert not [word for word in ("evil", "secret", "mine", "StopIteration") if word in data]
    assert "evil" not in page[: page.index("<style>")]


def test_import_makes_a_run_file_once(folder, ask):
    callbacks = [keras.callbacks.CSVLogger("digits.csv"), keras.callbacks.TensorBoard("logs/digits", write_graph=False)]
    fit(callbacks)
    for source in ("digits.csv", "logs/digits"):
        made = json.loads(ask("import", source, "--into", "others", "--json").out)
        assert made["new"]
        assert made["epochs"] == EPOCHS
        assert kcb.Run.open(made["path"]).id == made["id"]
        again = ask("import", source, "--into", "others")
        assert again.out.strip() == made["path"]
        assert "there already" in again.err
    assert sorted(kcb.runs("others")["name"]) == ["digits", "digits"]
    ask("import", "digits.csv", "--into", "third", "--name", "mine")
    assert list(kcb.runs("third")["name"]) == ["mine"]
    write_events(folder / "cut/train/x.tfevents.1", [("epoch_loss", 0, 1.0), ("other", 0, 1.0)])
    assert "left out" in ask("import", "cut", "--into", "others").err
    assert "no column epoch" in ask("import", __file__, status=1).err


# -- rm, check ---------------------------------------------------------------------------------------------------------


def test_rm_puts_away_and_says_how_to_get_it_back(folder, ask):
    said = ask("rm", "run-0", "run-1", "--yes")
    assert len(kcb.runs()) == 2
    for line in said.out.splitlines()[1:]:
        assert line.startswith("  mv runs/.bin/")
        subprocess.run(line, shell=True, check=True)
    assert len(kcb.runs()) == 4


def test_rm_asks_and_does_nothing_unless_told(folder, ask, monkeypatch):
    assert "say --yes" in ask("rm", "run-0", status=1).err

    class Terminal(io.StringIO):
        def isatty(self):
            return True

    for answer, status, left in (("", 1, 4), ("n\n", 1, 4), ("y\n", 0, 3)):
        monkeypatch.setattr(files.sys, "stdin", Terminal(answer))
        ask("rm", "run-0", status=status)
        assert len(kcb.runs()) == left


def test_rm_leaves_a_live_run_and_puts_away_the_others(folder, ask):
    run = begin()
    train(run, 5)
    path = keep(run, folder / "runs", name="live")
    found = json.loads(ask("rm", "live", "run-2", "--yes", "--json", status=1).out)
    assert path.exists()
    assert "it trains in another process" in found["refused"][0]["why"]
    assert len(found["moved"]) == 1


def test_check_says_what_is_wrong_in_which_file(folder, ask):
    out = ask("check").out
    assert out.count(": ok (") == 4
    bad = folder / "runs" / "bad.sqlite"
    bad.write_bytes(b"no database")
    said = ask("check", "runs", status=1).out
    assert "bad.sqlite: wrong\n  runs/bad.sqlite is no run file" in said
    found = json.loads(ask("check", bad, "--json", status=1).out)
    assert found[0]["ok"] is False
    assert "there is no file or folder" in ask("check", "nowhere", status=1).err


# -- the process -------------------------------------------------------------------------------------------------------


def run(*arguments, **options):
    command = [sys.executable, "-m", "kcb_widgets", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, **options)


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["--help"], 0),
        (["--version"], 0),
        (["ls"], 0),
        ([], 2),
        (["nothing"], 2),
        (["ls", "--limit", "-1"], 2),
        (["export", "run-1", "--to", "pdf", "-o", "x"], 2),
        (["ls", "nowhere"], 1),
        (["ls", "--sort", "nothing"], 1),
        (["show", "nothing"], 1),
    ],
)
def test_exit_statuses(folder, arguments, status):
    done = run(*arguments)
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr
    assert (done.stdout if status == 0 else done.stderr).strip()
    assert "\x1b" not in done.stdout


@pytest.mark.parametrize(
    "command",
    [["--help"], ["ls"], ["show", "run-1"], ["rm", "run-1", "--yes"], ["check"], ["compare", "runs"],
     ["export", "run-1", "--to", "html", "-o", "run.html"]]
)  # fmt: skip
def test_it_starts_without_keras(folder, command):
    code = f"import sys; from kcb_widgets.command_line.main import main; main({command!r}); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    imported = {name.split(".")[0] for name in done.stdout.splitlines()[-1].split()}
    assert not imported & {"keras", "tensorflow", "jax", "torch", "pandas", "matplotlib", "ipywidgets"}
    assert ("numpy" in imported) == (command != ["--help"])


def test_a_reader_that_has_seen_enough_is_no_error(folder):
    done = subprocess.run(f"{sys.executable} -m kcb_widgets ls | head -1", shell=True, capture_output=True, text=True)
    assert done.stderr == ""
    assert done.stdout.startswith("id ")


def test_a_terminal_that_knows_few_letters_is_no_error(folder):
    environment = {
        **os.environ,
        "LC_ALL": "C",
        "PYTHONUTF8": "0",
        "PYTHONCOERCECLOCALE": "0",
        "PYTHONIOENCODING": "ascii",
    }
    done = run("ls", env=environment)
    assert done.returncode == 0
    assert "gr\\xf6\\xdfe" in done.stdout


def test_in_a_terminal_a_table_is_as_wide_as_it_and_ids_are_whole(folder):
    main_end, other = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "70", "LINES": "20"}
    command = [sys.executable, "-m", "kcb_widgets", "ls"]
    done = subprocess.run(command, stdout=other, stderr=subprocess.PIPE, text=True, env=environment, timeout=60)
    os.close(other)
    printed = os.read(main_end, 100_000).decode()
    os.close(main_end)
    lines = printed.splitlines()
    assert "\x1b[1m" in lines[0]  # the header is bold
    assert all(len(line) <= 70 for line in lines[1:])
    assert {row["id"] if isinstance(row, dict) else row for row in kcb.runs("runs").index} <= {
        line[:12] for line in lines
    }
    assert "columns are left out" in done.stderr
