"""Which Chromium the browser tests use, and how it is started."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def executable() -> str | None:
    """``KCB_CHROMIUM``, the system's, or None for the one Playwright downloaded."""
    found = [
        os.environ.get("KCB_CHROMIUM"),
        "/usr/bin/chromium",
        shutil.which("chromium"),
        shutil.which("google-chrome"),
    ]
    return next((each for each in found if each and Path(each).exists()), None)
