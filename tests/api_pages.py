"""Writes the pages of the public names, from their docstrings: ``python tests/api_pages.py FOLDER``."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import pdoc
import pdoc.render

import kcb_widgets
from kcb_widgets.remote import Remote


def main(folder: Path) -> None:
    """Write them; whatever pdoc warns of is an error."""
    warnings.simplefilter("error", UserWarning)
    assert kcb_widgets.Board  # it is imported when it is first used, and pdoc only looks at what is there
    for name, member in vars(Remote).items():
        if not name.startswith("_"):
            setattr(kcb_widgets.Monitor, name, member)  # to the reader they are Monitor's
    pdoc.render.configure(docformat="google")
    pdoc.pdoc("kcb_widgets", output_directory=folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
