"""The picture in a run file: an SVG, as a document. What is read is looked at before anybody shows it."""

from __future__ import annotations

import logging
from typing import Any

from ..record import late
from ..record.portable import strict_json
from ..record.record import Record
from .typed import conforms

NAME = "picture"
MAX_BYTES = 100_000
SVG = "{http://www.w3.org/2000/svg}"
ELEMENTS = frozenset(SVG + name for name in ("svg", "title", "g", "rect", "path", "circle", "text"))
# None of these can run anything, or have anything fetched.
ATTRIBUTES = frozenset(
    ("width", "height", "viewBox", "x", "y", "cx", "cy", "r", "d", "transform", "fill", "stroke", "stroke-width",
     "stroke-dasharray", "font-family", "font-size", "font-weight", "text-anchor")
)  # fmt: skip

log = logging.getLogger(__name__)


def made(run: Record, step: int) -> str:
    """The document of a run that is over, as JSON; empty where it cannot be drawn.

    Args:
        run: The run.
        step: Of the newest batch in its file.
    """
    try:
        svg = late.call(NAME, run)
    except Exception:  # a picture is missed less than what else is written with it
        log.warning("A run's picture could not be drawn", exc_info=True)
        return ""
    return strict_json({"svg": svg, "step": step}) if svg else ""


def read(document: Any, step: int) -> bytes | None:
    """The picture in a document, which may be anything; None where there is none that may be shown.

    Args:
        document: What the file has.
        step: The run's newest step: a picture of an earlier one is out of date.
    """
    if not isinstance(document, dict) or not conforms(document.get("svg"), str) or document.get("step") != step:
        return None
    svg: str = document["svg"]
    if len(svg) > MAX_BYTES or "<!" in svg or "<?" in svg:  # no declarations: XML has bombs in them
        return None
    raw = svg.encode("utf-8", "replace")
    return raw if len(raw) <= MAX_BYTES and _is_harmless(svg) else None


def _is_harmless(svg: str) -> bool:
    """Whether it has nothing but what ``export/svg.py`` draws with."""
    from xml.etree import ElementTree  # here: most files are not opened for their picture

    try:
        root = ElementTree.fromstring(svg)
    except (ElementTree.ParseError, ValueError, RecursionError):
        log.debug("A picture is no XML", exc_info=True)
        return False
    return root.tag == f"{SVG}svg" and all(
        each.tag in ELEMENTS
        and ATTRIBUTES.issuperset(each.attrib)
        and not any("(" in value for name, value in each.attrib.items() if name != "transform")
        for each in root.iter()
    )
