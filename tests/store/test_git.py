"""The revision of the user's code is found, and nothing that a repository names is run for it."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kcb_widgets.store import git
from kcb_widgets.store.git import revision

pytestmark = [
    pytest.mark.skipif(shutil.which("git") is None, reason="there is no git"),
    pytest.mark.skipif(sys.platform == "win32", reason="made of shell scripts"),
]

WHO = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main")


def run(folder, *arguments, check=True):
    """git as a user has it, but for the user's own configuration."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environment |= {"GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0"}
    command = ["git", "-C", str(folder), *WHO, *arguments]
    return subprocess.run(
        command, check=check, capture_output=True, text=True, env=environment, timeout=60
    ).stdout.strip()


@pytest.fixture(autouse=True)
def no_configuration(tmp_path, monkeypatch):
    """The user's own configuration is empty."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    return home


@pytest.fixture
def repository(tmp_path):
    """One commit with a file and a folder."""
    folder = tmp_path / "repository"
    (folder / "sub").mkdir(parents=True)
    run(folder, "init", "-q")
    (folder / "train.py").write_text("a\n")
    (folder / "sub" / "model.py").write_text("b\n")
    run(folder, "add", "-A")
    run(folder, "commit", "-qm", "first")
    return folder


def head(repository):
    return run(repository, "rev-parse", "HEAD")


def older(path):
    """The file has another time, as after a copy: git must read it to know whether it has changed."""
    os.utime(path, (1_600_000_000, 1_600_000_000))


@pytest.mark.parametrize("place", ["", "sub"])
def test_the_revision_is_found_from_any_folder(repository, place):
    found = revision(repository / place)
    assert found == {"revision": head(repository), "dirty": False}
    assert len(found["revision"]) == 40
    assert revision(str(repository / place)) == found


def test_a_change_is_dirty_whether_staged_or_not(repository):
    (repository / "train.py").write_text("A\n")
    assert revision(repository)["dirty"] is True
    run(repository, "add", "-A")
    assert revision(repository)["dirty"] is True
    run(repository, "commit", "-qm", "second")
    assert revision(repository) == {"revision": head(repository), "dirty": False}
    (repository / "train.py").unlink()
    assert revision(repository)["dirty"] is True


def test_a_file_that_only_looks_changed_is_not_dirty(repository):
    older(repository / "train.py")
    assert revision(repository)["dirty"] is False


def test_files_that_are_not_tracked_are_not_dirty(repository):
    (repository / "output.csv").write_text("1\n")
    assert revision(repository)["dirty"] is False


def test_nothing_is_written(repository):
    older(repository / "train.py")
    before = {path: path.stat().st_mtime_ns for path in repository.rglob("*")}
    revision(repository)
    assert {path: path.stat().st_mtime_ns for path in repository.rglob("*")} == before


def test_a_work_tree_and_a_submodule_have_revisions_of_their_own(repository, tmp_path):
    run(repository, "worktree", "add", "-q", str(tmp_path / "tree"))
    (tmp_path / "tree" / "train.py").write_text("other\n")
    run(tmp_path / "tree", "commit", "-qam", "other")
    assert revision(tmp_path / "tree") == {"revision": head(tmp_path / "tree"), "dirty": False}
    assert head(tmp_path / "tree") != head(repository)
    run(repository, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(tmp_path / "tree"), "inner")
    run(repository, "commit", "-qm", "with a submodule")
    (repository / "inner" / "train.py").write_text("changed\n")
    assert revision(repository)["dirty"] is False  # it is not looked into
    assert revision(repository / "inner")["dirty"] is True


def test_git_s_environment_variables_change_nothing(repository, tmp_path, monkeypatch):
    expected = revision(repository)
    mark = tmp_path / "trace"
    monkeypatch.setenv("GIT_DIR", str(tmp_path))
    monkeypatch.setenv("GIT_TRACE", str(mark))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "index"))
    assert revision(repository) == expected
    assert not mark.exists()


# -- where there is none ----------------------------------------------------------------------------------------------


def test_there_is_none_without_a_repository(tmp_path, monkeypatch):
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: pytest.fail("a process for nothing"))
    assert revision(tmp_path) == {}
    assert revision(tmp_path / "not there") == {}
    assert revision("a\0b") == {}
    assert revision(None) == {}


def test_there_is_none_without_git(repository, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert revision(repository) == {}


def test_a_git_that_lies_in_the_folder_is_not_run(repository, monkeypatch, tmp_path):
    program = repository / "git"
    program.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    program.chmod(0o755)
    monkeypatch.chdir(repository)
    monkeypatch.setenv("PATH", ".")
    assert shutil.which("git") is not None
    assert revision(repository) == {}
    assert not (tmp_path / "ran").exists()


def test_there_is_none_before_the_first_commit(tmp_path):
    run(tmp_path, "init", "-q")
    assert revision(tmp_path) == {}


def test_there_is_none_in_a_bare_repository_or_in_git_s_own_folder(repository, tmp_path):
    run(tmp_path, "clone", "-q", "--bare", str(repository), "bare")
    assert revision(tmp_path / "bare") == {}
    (tmp_path / "bare" / ".git").write_text("gitdir: .\n")
    assert revision(tmp_path / "bare") == {}
    assert revision(repository / ".git") == {}


@pytest.mark.parametrize("broken", ["HEAD", "index", "config"])
def test_there_is_none_in_a_broken_repository(repository, broken):
    (repository / ".git" / broken).write_bytes(b"[\0broken")
    assert revision(repository) == {}


@pytest.mark.skipif(os.name == "posix" and os.geteuid() == 0, reason="root may read everything")
def test_there_is_none_that_may_not_be_read(repository):
    (repository / ".git").chmod(0)
    assert revision(repository) == {}
    (repository / ".git").chmod(stat.S_IRWXU)


@pytest.mark.skipif(os.name == "posix" and os.geteuid() != 0, reason="only root can give files away")
def test_there_is_none_that_belongs_to_another_user(repository):
    for path in [repository, *repository.rglob("*")]:
        os.chown(path, 12345, 12345)
    assert revision(repository) == {}


# -- programs that a repository names ---------------------------------------------------------------------------------

OFFERED = ("hook", "fsmonitor", "clean", "process", "smudge", "textconv", "external", "ssh", "pager", "alias", "editor")


def trap(folder, name):
    """A program that leaves a file when it is run. A filter passes on what it is given; nobody else is kept waiting."""
    program, then = folder / f"{name}.sh", "cat" if name in ("clean", "smudge") else "exit 1"
    program.write_text(f"#!/bin/sh\ntouch '{folder}/{name}.ran'\n{then}\n")
    program.chmod(0o755)
    return str(program)


def sprung(folder):
    return {path.stem for path in folder.glob("*.ran")}


@pytest.fixture
def hostile(repository, tmp_path):
    """A repository that offers a program for everything, and files that must be read to know whether they changed."""
    traps = tmp_path / "traps"
    traps.mkdir()
    offer = {name: trap(traps, name) for name in OFFERED}
    (repository / ".gitattributes").write_text(
        "*.py filter=evil diff=evil\n*.txt filter=Evil.Two\n*.csv filter=long diff=evil\n*.md filter=büro\n"
    )
    for name in ("notes.txt", "data.csv", "read.md"):
        (repository / name).write_text("text\n")
    run(repository, "add", "-A")
    run(repository, "commit", "-qm", "attributes")
    hooks = tmp_path / "hooks"
    for folder in (repository / ".git" / "hooks", hooks):
        folder.mkdir(exist_ok=True)
        for hook in ("post-index-change", "post-checkout", "pre-commit", "reference-transaction", "fsmonitor-watchman"):
            shutil.copy(offer["hook"], folder / hook)
    settings = {
        "core.hooksPath": str(hooks),
        "core.fsmonitor": offer["fsmonitor"],
        "core.pager": offer["pager"],
        "pager.status": "true",
        "core.editor": offer["editor"],
        "core.sshCommand": offer["ssh"],
        "diff.external": offer["external"],
        "diff.evil.textconv": offer["textconv"],
        "diff.evil.command": offer["external"],
        "filter.evil.clean": offer["clean"],
        "filter.evil.smudge": offer["smudge"],
        "filter.evil.required": "true",
        "filter.Evil.Two.clean": offer["clean"],
        "filter.büro.clean": offer["clean"],
        "filter.long.process": offer["process"],
        "alias.status": f"!{offer['alias']}",
        "alias.rev-parse": f"!{offer['alias']}",
        "status.submoduleSummary": "true",
        "submodule.recurse": "true",
        "remote.origin.url": "ssh://host/x",
    }
    for name, value in settings.items():
        run(repository, "config", name, value)
    for name in ("train.py", "notes.txt", "data.csv", "read.md"):
        older(repository / name)
    return repository, traps


def test_a_hostile_repository_runs_nothing(hostile):
    repository, traps = hostile
    assert revision(repository) == {"revision": head(repository), "dirty": False}
    assert revision(repository / "sub")["dirty"] is False
    (repository / "train.py").write_text("changed\n")
    assert revision(repository)["dirty"] is True
    assert sprung(traps) == set()


def test_its_traps_would_have_sprung(hostile):
    """Otherwise the test before this one tells nothing."""
    repository, traps = hostile
    run(repository, "status", "--porcelain", check=False)
    assert sprung(traps) >= {"fsmonitor", "process"}
    run(repository, "config", "--unset", "filter.long.process")  # git gives up where that fails
    run(repository, "status", "--porcelain")
    assert sprung(traps) >= {"hook", "clean"}
    (repository / "train.py").write_text("changed\n")
    run(repository, "diff", "--ext-diff", "--textconv", check=False)
    run(repository, "fetch", check=False)
    assert sprung(traps) >= {"external", "ssh"}


def test_a_filter_whose_name_would_hide_it_is_not_run(repository, tmp_path):
    """``-c filter.a=b.clean=`` would set ``filter.a``."""
    (repository / ".gitattributes").write_text("*.py filter=a=b\n")
    run(repository, "add", "-A")
    run(repository, "commit", "-qm", "attributes")
    run(repository, "config", "filter.a=b.clean", trap(tmp_path, "clean"))
    older(repository / "train.py")
    assert revision(repository) == {}
    assert sprung(tmp_path) == set()
    run(repository, "status", "--porcelain")
    assert sprung(tmp_path) == {"clean"}


def test_the_user_s_own_filters_are_not_run_either(repository, tmp_path, no_configuration):
    (repository / ".gitattributes").write_text("*.py filter=lfs\n")
    run(repository, "add", "-A")
    run(repository, "commit", "-qm", "attributes")
    program = trap(tmp_path, "clean")
    (no_configuration / ".gitconfig").write_text(f'[filter "lfs"]\n clean = {program}\n required\n')
    older(repository / "train.py")
    assert revision(repository) == {"revision": head(repository), "dirty": False}
    assert sprung(tmp_path) == set()


def test_an_included_configuration_counts_as_well(repository, tmp_path):
    (repository / ".gitattributes").write_text("*.py filter=evil\n")
    run(repository, "add", "-A")
    run(repository, "commit", "-qm", "attributes")
    program = trap(tmp_path, "clean")
    (tmp_path / "more").write_text(f'[filter "evil"]\n clean = {program}\n')
    run(repository, "config", "include.path", str(tmp_path / "more"))
    older(repository / "train.py")
    assert revision(repository) == {"revision": head(repository), "dirty": False}
    assert sprung(tmp_path) == set()


@pytest.mark.parametrize("way", ["ext", "ssh", "upload", "vcs"])
def test_objects_that_are_elsewhere_are_not_fetched(repository, tmp_path, way):
    program = trap(tmp_path, "remote")
    url = {"ext": f"ext::{program}", "ssh": "ssh://host/x"}.get(way, str(tmp_path / "elsewhere"))
    settings = {
        **{"core.repositoryFormatVersion": "1", "extensions.partialClone": "origin", "remote.origin.promisor": "true"},
        **{"remote.origin.url": url, "core.sshCommand": program, "remote.origin.uploadpack": program},
        **{"protocol.allow": "always", "protocol.ext.allow": "always"},
        **({"remote.origin.vcs": "ext"} if way == "vcs" else {}),
    }
    if way == "vcs":
        settings["remote.origin.url"] = program
    tree = run(repository, "rev-parse", "HEAD^{tree}")
    for name, value in settings.items():
        run(repository, "config", name, value)
    (repository / ".git" / "objects" / tree[:2] / tree[2:]).unlink()
    assert revision(repository) == {}
    assert sprung(tmp_path) == set()
    run(repository, "status", "--porcelain", check=False)
    assert sprung(tmp_path) == {"remote"}


def processes_with(mark):
    """The processes whose command or environment mentions a text, those of this test apart."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if int(entry.name) != os.getpid() and mark in (entry / "cmdline").read_text():
                found.append(entry.name)
        except OSError:
            continue
    return found


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="processes are looked up there")
def test_a_git_that_hangs_is_killed_within_a_second_and_so_is_its_child(repository, tmp_path, monkeypatch):
    program = tmp_path / "bin" / "git"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\nsh -c 'sleep 60; : {tmp_path}' &\nsleep 60\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    began = time.perf_counter()
    assert revision(repository) == {}
    assert time.perf_counter() - began < git.LONGEST_S + git.GRACE_S + 0.5  # a slow machine
    time.sleep(0.2)
    assert processes_with(str(tmp_path)) == []


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no such files")
def test_a_repository_that_never_answers_takes_no_more_than_a_second(repository, tmp_path):
    os.mkfifo(tmp_path / "never")
    run(repository, "config", "include.path", str(tmp_path / "never"))
    began = time.perf_counter()
    assert revision(repository) == {}
    assert time.perf_counter() - began < git.LONGEST_S + git.GRACE_S + 0.5
