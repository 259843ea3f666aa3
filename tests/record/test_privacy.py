"""What is private goes out of a text, and nothing else does."""

from __future__ import annotations

import getpass
import os
import socket
import sys
from time import perf_counter
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kcb_widgets.record import privacy
from kcb_widgets.record.privacy import without_folders, without_private


@pytest.fixture(autouse=True)
def people(monkeypatch):
    """The user is called Zoe Quill, zquill, on zq-laptop."""
    for variable in privacy.LOOKED_AT:
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HOME", "/home/zquill")
    monkeypatch.setattr(getpass, "getuser", lambda: "zquill")
    monkeypatch.setattr(socket, "gethostname", lambda: "zq-laptop.example.org")
    entry = SimpleNamespace(getpwuid=lambda uid: SimpleNamespace(pw_gecos="Zoe Quill,,,", pw_dir="/home/zquill"))
    monkeypatch.setitem(sys.modules, "pwd", entry)
    privacy._names.cache_clear()
    yield
    privacy._names.cache_clear()


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("/home/ann/x/best.keras", "…/best.keras"),
        ("saved to /data/runs/7/best.keras.", "saved to …/best.keras."),
        ("'/home/ann/My Drive/best.keras'", "'…/best.keras'"),
        ("/home/ann/My\\ Drive/best.keras", "…/best.keras"),
        ("/home/O'Brien/x/best.keras", "…/best.keras"),
        ("/home/ann/w.{epoch:02d}-{val_loss:.2f}.keras", "…/w.{epoch:02d}-{val_loss:.2f}.keras"),
        ('File "/home/a b/c d/train.py", line 3', 'File "…/train.py", line 3'),
        ("//a/b/c", "…/c"),
        ("/usr/bin:/home/ann/bin", "…/bin:…/bin"),
        ("/a/b/c, /d/e/f; (/g/h/i)", "…/c, …/f; (…/i)"),
        ("path=/a/b/c", "path=…/c"),
        ("['/a/b','/c/d']", "['…/b','…/d']"),
        ("/data/runs/", "…/runs/"),
        ("the folder /home/ann", "the folder …"),
        ("/Users/ann/", "…/"),
        ("~/x/y.keras", "…/y.keras"),
        ("~ann/y.keras", "…/y.keras"),
        ("file:///home/ann/x.py", "…/x.py"),
        ("file://server/share/x.py", "…/x.py"),
        ("file:///C:/Users/ann/x.py", "…/x.py"),
        ("sqlite:////home/ann/x.db", "…/x.db"),
        (r"C:\Users\Ann Lee\my runs\best.keras is there", "…/best.keras is there"),
        (r"C:\\Users\\ann\\best.keras", "…/best.keras"),
        ("C:/Users/ann/best.keras and/or none", "…/best.keras and/or none"),
        (r"C:\Users\ann", "…"),
        (r"\\server\share\some folder\x.csv", "…/x.csv"),
        (r"\\?\C:\Users\ann\x.csv", r"\\?\…/x.csv"),
        ("https://ann:secret@host/x/y", "https://…@host/x/y"),
    ],
)
def test_a_path_loses_its_folders(text, left):
    assert without_private(text) == left
    assert without_private(left) == left


@pytest.mark.parametrize(
    "text",
    [
        "",
        "loss/val_loss",
        "1/2 and 3/4, about ~5/10",
        "12/31/2024 or 2024/12/31 12:30",
        "and/or, n/a, km/h",
        "see http://host/path/a/b?c=/d/e and https://keras.io/api/",
        "s3://bucket/a/b, gs://bucket/a",
        "runs/7/best.keras, ./a/b, ../a/b, {epoch}/a/b, %s/a/b",
        "/tmp and /best.keras: there is no folder in them",
        "<b>bold</b> and <br/>",
        "f(x)/g(x)/h(x), [1]/[2]/[3]",
        "a line\nand another\tone",
        r"\alpha + \beta",
        "Zoe was here; zquills and unzquill are others",
    ],
)
def test_other_text_stays(text):
    assert without_private(text) == text


def test_names_go_wherever_they_stand_as_words():
    text = "zquill@zq-laptop.example.org trained zquill_net on ZQ-Laptop for Zoe Quill: http://zq-laptop:8888/lab"
    assert without_private(text) == "…@… trained …_net on … for …: http://…:8888/lab"


@pytest.mark.parametrize("name", ["root", "user", "localhost", "Adam", "ab", "", "12345"])
def test_short_and_common_names_stay(monkeypatch, name):
    monkeypatch.setattr(getpass, "getuser", lambda: name)
    monkeypatch.setattr(privacy, "_full_name", lambda: name)
    monkeypatch.setattr(socket, "gethostname", lambda: name)
    monkeypatch.setenv("HOME", f"/home/{name}" if name else "/")
    assert privacy._names() is None
    assert without_private(f"by {name} 12345") == f"by {name} 12345"


def test_names_of_the_environment_count(monkeypatch):
    monkeypatch.setenv("JUPYTERHUB_USER", "wendelin")
    monkeypatch.setenv("COMPUTERNAME", "WORKHORSE")
    assert without_private("wendelin at workhorse") == "… at …"


def test_names_are_looked_up_once(monkeypatch):
    without_private("text")
    monkeypatch.setattr(getpass, "getuser", lambda: pytest.fail("again"))
    assert without_private("zquill") == "…"


def test_a_system_that_knows_no_names_is_no_error(monkeypatch):
    def raises(*_):
        raise OSError

    for owner, name in ((getpass, "getuser"), (socket, "gethostname"), (os, "getuid"), (privacy.Path, "home")):
        monkeypatch.setattr(owner, name, raises)
    assert without_private("zquill in /a/b/c") == "zquill in …/c"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("/home/ann/x/best.keras", "best.keras"),
        ("/home/ann/My Drive/my best.keras", "my best.keras"),
        (r"C:\Users\Ann Lee\my best.keras", "my best.keras"),
        ("~/x/best.keras", "best.keras"),
        ("file:///home/ann/best.keras", "best.keras"),
        (r"\\server\share\best.keras", "best.keras"),
        ("/home/ann", "…"),
        ("/home/ann/logs/", "logs"),
        ("runs/7/best.keras", "runs/7/best.keras"),
        ("./best.keras", "./best.keras"),
        ("val_loss", "val_loss"),
        ("/ second", "/ second"),
        ("/", "/"),
        ("~5/10", "~5/10"),
        ("/a/b\n/c/d", "/a/b\n/c/d"),
    ],
)
def test_a_text_that_is_a_path_becomes_its_last_component(text, left):
    assert without_folders(text) == left


# -- any text at all --------------------------------------------------------------------------------------------------

FOLDERS = st.lists(
    st.from_regex(r"[A-Z][A-Za-zÀ-ž0-9._+@%(){}\[\]-]{2,12}[A-Z0-9]", fullmatch=True), min_size=1, max_size=5
)
FILES = st.from_regex(r"[a-z][a-z0-9_]{0,8}\.[a-z]{1,5}", fullmatch=True)
WORDS = st.lists(st.from_regex(r"[a-z]{1,8}(/[a-z]{1,8})?|[0-9]{1,3}/[0-9]{1,3}", fullmatch=True), max_size=5).map(
    " ".join
)
ROOTS = {"/": "/", "//": "/", "~/": "/", "~ann/": "/", "file:///": "/", "C:/": "/", "C:\\": "\\", "\\\\Server\\": "\\"}
QUOTES = st.sampled_from([("", ""), ("'", "'"), ('"', '"'), ("(", " )"), ("= ", ","), (": ", " "), ("\n", "\n")])
RISKY = st.text(st.sampled_from("ab1 /\\~.:'\"…-_(){}=,\n") | st.characters(), max_size=60)


@given(before=WORDS, root=st.sampled_from(sorted(ROOTS)), folders=FOLDERS, file=FILES, quotes=QUOTES, after=WORDS)
def test_no_folder_of_a_path_is_left_and_the_text_around_it_is(before, root, folders, file, quotes, after):
    path = root + ROOTS[root].join([*folders, file])
    left = without_private(f"{before} {quotes[0]}{path}{quotes[1]} {after}")
    assert left == f"{before} {quotes[0]}…/{file}{quotes[1]} {after}"
    assert without_folders(path) == file


@given(folders=FOLDERS, file=FILES, words=WORDS)
def test_relative_paths_stay(folders, file, words):
    text = f"{words} {'/'.join([*folders, file])} {words}"
    assert without_private(text) == text


@given(RISKY)
def test_any_text_has_an_answer_that_is_not_longer_and_names_nobody(text):
    left = without_private(f"{text} zquill {text}")
    assert len(left) <= len(f"{text} zquill {text}")
    assert "zquill" not in left
    without_folders(text)


@given(
    RISKY.filter(lambda text: not set(text) & set("/\\") and "quill" not in text.lower() and "zq" not in text.lower())
)
def test_text_without_a_separator_stays(text):
    assert without_private(text) == text


@pytest.mark.parametrize(
    "piece", ["/", "/a", "\\", "\\a", "a/", "~/", "C:\\", "'/", '"/a b', "a:", "http://", "a" * 99, "/a ", "…/"]
)
def test_a_long_text_takes_no_longer_than_its_length_asks_for(piece):
    text = piece * (200_000 // len(piece))
    began = perf_counter()
    without_private(text)
    without_private(text + "'\n")
    assert perf_counter() - began < 5
