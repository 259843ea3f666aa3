"""A real comparison and its built bundle in a page: the kernel half runs here, and messages go to and fro."""

from __future__ import annotations

import base64
import time
from typing import Any

from host import HERE, STATIC

from kcb_widgets.panels.comparison.comparison import Comparison

URL = "http://comparison.test/"


class Compared:
    """A page with a comparison in it.

    Args:
        page: The page.
        comparison: The comparison, whose messages are sent there.
    """

    def __init__(self, page: Any, comparison: Comparison) -> None:
        self.page, self.comparison = page, comparison
        self.refused: list[str] = []
        comparison.send = self._send
        self._taken = 0
        page.unroute_all()
        page.route(f"{URL}**", self._serve)
        page.goto(URL)
        page.wait_for_function("window.ready === true")
        page.evaluate("(chosen) => stub.set({ chosen })", comparison.chosen)
        comparison.observe(lambda change: page.evaluate("(chosen) => stub.set({ chosen })", change["new"]), "chosen")
        page.evaluate("stub.mount('one')")
        self.answer()

    @staticmethod
    def _serve(route: Any) -> None:
        name = route.request.url.removeprefix(URL)
        if not name:
            page = (HERE / "host.html").read_text().replace("/board.", "/comparison.")
            page = page.replace("ended = widget.initialize", "ended = widget.initialize?.").replace(
                "let widget = null", "let widget = factory"
            )
            route.fulfill(body=page, content_type="text/html")
        elif (STATIC / name).is_file():
            kind = "text/javascript" if name.endswith(".js") else "text/css"
            route.fulfill(body=(STATIC / name).read_bytes(), content_type=kind)
        else:
            route.fulfill(status=404, body="")

    def _send(self, content: Any, buffers: Any = None) -> None:
        if content["kind"] == "refused":
            self.refused.append(content["message"])
        raw = base64.b64encode(buffers[0]).decode() if buffers else None
        self.page.evaluate("([content, raw]) => stub.message(content, raw)", [content, raw])

    def answer(self) -> list[dict[str, Any]]:
        """Hand over what the page has sent since the last time; returns it."""
        messages = self.page.evaluate("stub.sent")[self._taken :]
        self._taken += len(messages)
        for content in messages:
            kinds = {
                "hello": lambda content: self.comparison._hello(content.get("first") is True),
                "choose": lambda content: self.comparison._choose(content["choices"]),
                "window": lambda content: self.comparison._send_curves(
                    content["view"], content["request"], content["first"], content["last"]
                ),
                "edit": lambda content: self.comparison._edit(content["run"], content["changes"]),
                "delete": lambda content: self.comparison._delete(content["run"]),
                "side_by_side": lambda content: self.comparison._send_side_by_side(content["view"]),
            }
            kinds[content["kind"]](content)
        return messages

    def answered(self, kind: str) -> dict[str, Any]:
        """Wait for a message of a kind, and answer it."""
        end = time.monotonic() + 10
        while time.monotonic() < end:
            for content in self.answer():
                if content["kind"] == kind:
                    return content
            self.page.wait_for_timeout(10)
        msg = f"the page sent no {kind}"
        raise AssertionError(msg)

    def names(self) -> list[str]:
        """The runs in the table, from the top."""
        found: list[str] = self.page.locator(".kcb-run-table tbody th").all_inner_texts()
        return found
