"""A real Chromium, shared by all browser tests of a session."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def _missing(why: str) -> None:
    if os.environ.get("KCB_REQUIRE_BROWSER") == "1":
        pytest.fail(why)
    pytest.skip(why)


def chromium() -> str | None:
    """``KCB_CHROMIUM``, the system's, or None for the one Playwright downloaded."""
    found = [
        os.environ.get("KCB_CHROMIUM"),
        "/usr/bin/chromium",
        shutil.which("chromium"),
        shutil.which("google-chrome"),
    ]
    return next((each for each in found if each and Path(each).exists()), None)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium under Playwright."""
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError:
        _missing("playwright is not installed")
    with sync_playwright() as playwright:
        try:
            running = playwright.chromium.launch(executable_path=chromium(), args=ARGS)
        except Error as error:
            _missing(f"Chromium does not start: {error}")
        yield running
        running.close()
