"""A real Chromium, shared by all browser tests of a session."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import chromium
import lab
import pytest
from kernels import versions


def _missing(why: str) -> None:
    if os.environ.get("KCB_REQUIRE_BROWSER") == "1":
        pytest.fail(why)
    pytest.skip(why)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium under Playwright."""
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError:
        _missing("playwright is not installed")
    with sync_playwright() as playwright:
        try:
            running = playwright.chromium.launch(executable_path=chromium.executable(), args=chromium.ARGS)
        except Error as error:
            _missing(f"Chromium does not start: {error}")
        yield running
        running.close()


@pytest.fixture(scope="module", params=os.environ.get("KCB_FRONT_ENDS", "lab,notebook").split(","))
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[lab.Server]:
    with lab.lab_server(tmp_path_factory.mktemp(request.param), request.param, versions()) as running:
        yield running


@pytest.fixture(params=versions())
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def open_notebook(server: lab.Server, browser: Any, version: str) -> Iterator[Any]:
    """A function that opens a notebook with the given cells."""
    opened: list[lab.Notebook] = []

    def open_it(*cells: str) -> lab.Notebook:
        opened.append(server.open(browser, cells, version))
        return opened[-1]

    yield open_it
    for notebook in opened:
        notebook.close()
    assert [notebook.errors for notebook in opened] == [[] for _ in opened]
