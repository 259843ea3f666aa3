"""What the README names exists: messages, notebooks, commands, methods, and where the badge leads."""

from __future__ import annotations

import ast
import io
import json
import os
import re
import subprocess
import sys
import urllib.request
from pathlib import Path

import numpy as np
import pytest
from kept import begin, file_of, train

import kcb_widgets as kcb
from kcb_widgets.alerts.api import AlertsAPI
from kcb_widgets.api import SteeringAPI

ROOT = Path(kcb.__file__).parents[1]
README = (ROOT / "README.md").read_text()


def section(title):
    return README.split(f"\n## {title}\n")[1].split("\n## ")[0]


def said():
    """All texts in the package, as they are put together: ``{...}`` stands for what is filled in."""
    texts = []
    for path in (ROOT / "kcb_widgets").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.JoinedStr):
                parts = [part.value if isinstance(part, ast.Constant) else "\0" for part in node.values]
                texts.append("".join(map(str, parts)))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts.append(node.value)
    scripts = "\n".join(path.read_text() for path in (ROOT / "kcb_widgets/js/src").rglob("*.js"))
    return "\n".join(texts), scripts


def test_the_messages_that_people_look_up_are_those_that_are_said():
    texts, scripts = said()
    rows = [line.split("|")[1] for line in section("When something is wrong").splitlines() if line.startswith("| ")][1:]
    messages = [message for row in rows for message in re.findall(r"`([^`]+)`|\*([^*]+)\*", row)]
    found = 0
    for message in ("".join(pair) for pair in messages):
        if message in ("Board(...)", "error"):
            continue
        # What the board puts before it, what is filled in, and what stands for a number.
        pieces = re.split(r"\.\.\.|refused: |\btensorflow\b", message)
        for piece in filter(None, (piece.strip() for piece in pieces)):
            assert piece in texts or piece in scripts, message
            found += 1
    assert found > 12


def test_the_notebooks_are_those_there_are():
    listed = set(re.findall(r"`([a-z-]+)`", "".join(re.findall(r"^\| (`.*?) \|", section("Notebooks"), re.M))))
    assert listed == {path.stem for path in (ROOT / "notebooks").glob("*.ipynb")}


def test_the_badge_leads_to_a_notebook():
    (path,) = re.findall(r"mybinder\.org/v2/gh/[\w./-]+\?urlpath=lab/tree/([\w./-]+)", README)
    assert (ROOT / path).is_file()


def test_the_pictures_are_those_there_are_in_both_themes():
    shown = set(re.findall(r"notebooks/images/([\w-]+\.png)", README))
    assert shown == {path.name for path in (ROOT / "notebooks" / "images").iterdir()}
    names = {name.rsplit("-", 1)[0] for name in shown}
    assert shown == {f"{name}-{theme}.png" for name in names for theme in ("light", "dark")}


def test_the_commands_are_targets_of_the_makefile():
    makefile = (ROOT / "Makefile").read_text()
    named = set(re.findall(r"`make ([a-z-]+)`", README))
    assert named >= {"demo", "test", "docs", "bench"}
    assert [name for name in named if f"\n{name}:" not in makefile] == []


def test_the_api_pages_have_all_public_names_and_what_a_monitor_can_do(tmp_path):
    command = [sys.executable, ROOT / "tests" / "scripts" / "api_pages.py", tmp_path]
    subprocess.run(command, check=True, env={**os.environ, "PDOC_ALLOW_EXEC": "1"}, cwd=ROOT)
    page = (tmp_path / "kcb_widgets.html").read_text()
    able = [f"Monitor.{name}" for api in (SteeringAPI, AlertsAPI) for name in vars(api) if not name.startswith("_")]
    assert len(able) > 15
    assert [name for name in [*kcb.__all__, *able, "Fit.wait", "Run.plot"] if f'id="{name}"' not in page] == []


@pytest.mark.parametrize(("name", "owner"), [("monitor", kcb.Monitor), ("fit", kcb.Fit), ("kcb", kcb)])
def test_what_is_called_exists(name, owner):
    called = set(re.findall(rf"\b{name}\.([a-zA-Z_]+)\(", README)) - {"fit"}
    assert len(called) >= 2
    assert [each for each in called if not hasattr(owner, each)] == []


def test_the_few_lines_that_read_a_run_file_read_it(tmp_path):
    run = begin(("loss", "accuracy"))
    file = file_of(run, tmp_path)
    for first, batches in ((0, 250), (250, 1), (251, 100)):
        train(run, batches, ("loss", "accuracy"), first=first)
        file.commit(1.0)
    run.finish("finished")
    file.commit(1.0, whole=True)
    file.close()
    (code,) = [block for block in re.findall(r"```python\n(.*?)```", README, re.S) if "FROM chunk" in block]
    found = {"path": file.path}
    exec(code, found)  # our own README
    for name in ("loss", "accuracy"):
        np.testing.assert_array_equal(np.concatenate(found["columns"][name]), run.batch_table.column(name))
    assert len(code.strip().splitlines()) <= 12


def test_the_built_in_alerts_are_those_there_are_and_have_the_rules_they_say():
    table = re.findall(
        r"^\| `([\w-]+)` \| (.*) \|$", README.split("| built in | holds when |")[1].split("\n\n")[0], re.M
    )
    assert [(name, rule.replace("`", "")) for name, rule in table] == [
        (alert.name, alert.rule) for alert in kcb.Monitor(display=False).alerts
    ]


def test_the_alerts_of_the_readme_can_be_set_and_slack_is_told(monkeypatch):
    first, slack = re.findall(r"```python\n(.*?)```", README.split("\n### Alerts\n")[1].split("<details>")[0], re.S)
    found = {"kcb": kcb}
    exec(first, found)  # our own README
    assert [alert.name for alert in found["monitor"].alerts][-3:] == ["val_loss rises", "a spike", "slow"]
    sent = []
    monkeypatch.setenv("SLACK_WEBHOOK", "https://hooks.slack.test/x")
    monkeypatch.setattr(urllib.request, "urlopen", lambda request, timeout: sent.append(request) or io.BytesIO())
    exec(slack, found)
    found["monitor"].alert("low", "loss > 0")
    run = found["monitor"].run
    found["to_slack"](found["monitor"].alerts[-1], run)
    (request,) = sent
    assert json.loads(request.data)["text"].startswith(f"{run.title}: low")
