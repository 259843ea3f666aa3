"""An HTML file with a view in it, and all that the view needs. What a run says stands in it as data, never as code."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

STATIC = Path(__file__).parents[2] / "static"
EXPORT = re.compile(r"export\{(?:[^{}]*,)?(\w+) as default\};?\s*\Z")
MAX_TEXT = 1000

_HEAD = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<main>
<header><h1>{title}</h1>{said}</header>
<noscript><p>The curves are drawn by a script of this page's own, and scripts are switched off here.</p></noscript>
<div id="kcb-view"></div>
{about}
</main>
<script type="application/json" id="kcb-data">{data}</script>
<script type="module">{bundle}</script>
<script type="module">{entry}</script>
</body>
</html>
"""


def document(
    view: str, title: str, said: Iterable[str], data: Mapping[str, Any], about: Mapping[str, Any] | None = None
) -> str:
    """The text of a page.

    A policy in it lets exactly its own scripts and styles run, known by their checksums, and no request leave it.

    Args:
        view: ``board`` or ``comparison``: the bundle that draws it.
        title: What it is called.
        said: Sentences under the title.
        data: What the view is given, as plain JSON.
        about: Names and values for a table under the view.

    Raises:
        FileNotFoundError: The browser half was not built.
    """
    bundle, entry = _bundle(f"{view}.js"), _code(f"{view}_page.js")
    style = _style(f"{view}.css") + _style(f"{view}_page.css")
    policy = (
        f"default-src 'none'; script-src {_checksum(bundle)} {_checksum(entry)}; style-src {_checksum(style)}; "
        "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'"
    )
    return _HEAD.format(
        policy=html.escape(policy),
        title=html.escape(_short(title)),
        style=style,
        said="".join(f"<p>{html.escape(each)}</p>" for each in said),
        about=_table(about) if about else "",
        data=dumped(data),
        bundle=bundle,
        entry=entry,
    )


def dumped(data: Any) -> str:
    """Strict JSON that ends no script element, whatever stands in it."""
    text = json.dumps(data, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def packed(raw: bytes) -> str:
    """Bytes as JSON can carry them."""
    return base64.b64encode(raw).decode()


def _table(about: Mapping[str, Any]) -> str:
    rows = "".join(
        f'<tr><th scope="row">{html.escape(_short(name))}</th><td>{html.escape(_short(value))}</td></tr>'
        for name, value in about.items()
    )
    return (
        '<details class="kcb-page-about"><summary>About this run</summary>'
        f'<table aria-label="about this run"><tbody>{rows}</tbody></table></details>'
    )


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"


def _code(name: str) -> str:
    """A script of ours as it may stand in a page."""
    code = (STATIC / name).read_text(encoding="utf-8")
    if re.search(r"</script|<!--", code, re.IGNORECASE):
        msg = f"{name} would end the script that it stands in"
        raise ValueError(msg)
    return code


def _bundle(name: str) -> str:
    """A bundle that leaves its widget where the page's own script finds it: a module in a page exports nothing."""
    code = _code(name)
    found = EXPORT.search(code)
    if found is None:
        msg = f"{name} exports no widget"
        raise ValueError(msg)
    return f"{code[: found.start()]}globalThis.kcbWidget={found[1]};"


def _style(name: str) -> str:
    style = (STATIC / name).read_text(encoding="utf-8")
    if "</style" in style.lower():
        msg = f"{name} would end the style that it stands in"
        raise ValueError(msg)
    return style


def _checksum(text: str) -> str:
    """By which a policy knows a script or a style."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
