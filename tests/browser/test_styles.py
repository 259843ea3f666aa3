"""The stylesheets of the board and of the comparison, which may be on one page: each leaves the other alone."""

# ruff: noqa: F401, F811 - fixtures are asked for by name
from __future__ import annotations

import pytest
from cards import CUTTING, OWN, STEERED, STOPPING
from compared import Compared
from comparing import make
from host import STATIC, bundle, control, each_tab, host, plain_page, run_picture

import kcb_widgets as kcb

pytestmark = pytest.mark.browser
# What looks otherwise while another stylesheet is there; looked at in one moment, as boards tell the time.
LOOKS = """(sheet) => {
    const looks = () => [...document.querySelectorAll(".kcb-board, .kcb-board *")].map((one) => {
        const style = getComputedStyle(one);
        const said = [...style].map((name) => `${name}: ${style.getPropertyValue(name)}`);
        return { what: `${one.tagName}.${one.className}`, said };
    });
    const before = looks(), style = document.createElement("style");
    style.textContent = sheet;
    document.head.append(style);
    const after = looks();
    style.remove();
    const others = ({ what, said }, i) => [what, ...after[i].said.filter((each, k) => each !== said[k])];
    return { count: before.length, changed: before.map(others).filter((each) => each.length > 1) };
}"""
REST = "*, *::before, *::after { transition: none !important; animation: none !important; }"
NAN = {"name": "loss", "value": "nan", "step": 301, "epoch": 3, "batch": 1}


def differences(page, sheet):
    """What looks otherwise as soon as another widget's stylesheet is there, too."""
    page.add_style_tag(content=REST)
    found = page.evaluate(LOOKS, (STATIC / sheet).read_text())
    assert found["count"] > 30
    return found["changed"]


def test_a_board_looks_the_same_beside_a_comparison(host):
    host.now |= {"not_finite": NAN}
    host.controls, host.callbacks = [control(), *STEERED[1:]], [STOPPING, CUTTING, OWN]
    host.start(series=run_picture())
    host.answer_hello()
    host.page.locator(".kcb-plot canvas").first.wait_for()
    assert differences(host.page, "comparison.css") == []
    for name in each_tab(host):
        assert differences(host.page, "comparison.css") == [], name


def test_a_comparison_looks_the_same_beside_a_board(plain_page, tmp_path):
    for number in range(4):
        make(tmp_path, f"run {number}", {"depth": number}, age=number)
    compared = Compared(
        plain_page, kcb.compare(tmp_path, view=["curves", "parallel", "scatter"], colour="config.depth")
    )
    page = compared.page
    page.locator(".kcb-compared canvas").wait_for()
    page.get_by_role("button", name="Side by side").click()
    compared.answered("side_by_side")
    page.get_by_role("button", name="edit run 1").click()
    page.get_by_role("button", name="delete run 2").click()
    assert differences(page, "board.css") == []
