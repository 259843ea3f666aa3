"""What axe-core, the checker that accessibility people use, objects to."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# Of the page, which is not ours: where the board stands in it.
PAGE = ("region", "landmark-one-main", "page-has-heading-one")


def violations(page, context=".kcb-board", fewest=15):
    """What axe-core objects to: rule, why, and the elements."""
    options = {"runOnly": {"type": "tag", "values": TAGS}, "rules": {rule: {"enabled": False} for rule in PAGE}}
    found = Axe().run(page, context=context, options=options).response
    assert len(found["passes"]) > fewest  # or it looked at nothing
    return [(each["id"], each["help"], [node["html"][:200] for node in each["nodes"]]) for each in found["violations"]]
