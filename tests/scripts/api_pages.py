"""Writes the pages of the public names, from their docstrings: ``python tests/scripts/api_pages.py FOLDER``."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import pdoc
import pdoc.render

import kcb_widgets
from kcb_widgets.alerts.api import AlertsAPI
from kcb_widgets.api import SteeringAPI
from kcb_widgets.record.record import Record


def main(folder: Path) -> None:
    """Write them; whatever pdoc warns of is an error."""
    warnings.simplefilter("error", UserWarning)
    assert kcb_widgets.Board  # it is imported when it is first used, and pdoc only looks at what is there
    for base, public in (
        (SteeringAPI, kcb_widgets.Monitor),
        (AlertsAPI, kcb_widgets.Monitor),
        (Record, kcb_widgets.Run),
    ):
        for name, member in vars(base).items():
            if not name.startswith("_"):
                setattr(public, name, member)  # to the reader they are its own
    pdoc.render.configure(docformat="google")
    pdoc.pdoc("kcb_widgets", output_directory=folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
