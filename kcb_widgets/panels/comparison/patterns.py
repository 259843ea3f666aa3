"""Patterns: names that are alike are one group, such as the folds or the seeds of one model."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase

BY_NAME = "name:"
"""What a group by a pattern begins with: ``name:seed*``."""
MAX_LENGTH = 100  # of a pattern
_BETWEEN = re.compile(r"([\s/_-])")  # words of a name


def key(name: str, pattern: str) -> str:
    """A name with the words that match a pattern replaced by the pattern: ``mlp-seed3`` by ``seed*`` is ``mlp-seed*``.

    A ``*`` stands for any characters of a word, a ``?`` for one; words are parted by spaces, ``/``, ``_`` and ``-``.
    This takes no longer than the name is long, whatever the pattern.

    Args:
        name: The run's name; one without a match is a group of its own.
        pattern: One or more words.
    """
    parts, wanted = _BETWEEN.split(name), _BETWEEN.split(pattern)
    made: list[str] = []
    at = 0
    while at < len(parts):
        here = parts[at : at + len(wanted)]
        # Words stand at even places, and what parts them between.
        if at % 2 == 0 and len(here) == len(wanted) and all(map(_matches, here, wanted)):
            made += wanted
            at += len(wanted)
        else:
            made.append(parts[at])
            at += 1
    return "".join(made)


def _matches(word: str, pattern: str) -> bool:
    return fnmatchcase(word, pattern.replace("[", "[[]"))
