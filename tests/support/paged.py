"""Pages that were written, opened in Chromium as a reader opens them: from a file."""

from __future__ import annotations

import json
import re
from contextlib import contextmanager

NAMES = (
    "</script><script>window.hit=1</script>",
    "<img src=http://evil.test/x onerror=window.hit=1>",
    "'\"><svg onload=window.hit=1>",
    "<!--<script>",
    "\u2028</title></style>&lt;b&gt;${alert(1)}`",
)
"""What a run may be called by somebody who means harm."""


def data_of(text):
    """What the view in a page is given."""
    found = re.search(r'<script type="application/json" id="kcb-data">(.*?)</script>', text, re.DOTALL)
    return json.loads(found[1])


@contextmanager
def opened(browser, path, **options):
    """A page, its requests and its errors; there must be no error in the end, and no request but for itself."""
    context = browser.new_context(viewport={"width": 900, "height": 900}, **options)
    page = context.new_page()
    page.set_default_timeout(10_000)
    requests, wrong = [], []
    page.on("request", lambda request: requests.append(request.url))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: message.type == "error" and wrong.append(message.text))
    page.goto(path.resolve().as_uri())
    page.wait_for_selector("canvas:visible")  # to wait for a function takes eval, which the page forbids
    page.wrong = wrong
    yield page
    context.close()
    assert wrong == []
    assert requests == [path.resolve().as_uri()]
