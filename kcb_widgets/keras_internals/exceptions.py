"""What an exception is at its root, as one line: TensorFlow, Keras and torch put the user's own into a text."""

from __future__ import annotations

import itertools
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass

log = logging.getLogger(__name__)

MAX_LINE = 200
MAX_WHERE = 80  # characters that a place may take of it
MAX_CHAIN = 20  # causes that are followed

COLOURS = re.compile(r"\x1b\[[0-9;]*m")
TRACEBACK = re.compile(r"Traceback \(most recent call last\):")
CHAINED = re.compile(r"The above exception was the direct cause|During handling of the above exception")
RAISED = re.compile(r"([A-Za-z_][\w.]*)(?:: (.*))?")
CALLING = re.compile(r"Exception encountered when calling (.+?)\(\)\.\s*\n(.*)", re.DOTALL)
NODE = re.compile(r"\{\{node ([^}]+)\}\}")
DATA_NODES = ("IteratorGetNext", "MultiDeviceIteratorGetNextFromShard")
DATA_FILES = re.compile(r"keras/src/trainers/(epoch_iterator|data_adapters/\w+)\.py|torch/utils/data/.*\.py")


@dataclass(frozen=True)
class Found:
    """What a text tells.

    Attributes:
        kind: The class of the exception that was raised first; empty where the text names none.
        said: What that says, as one line.
        where: The layer's method or the node that raised it; empty where it is not known.
    """

    kind: str
    said: str
    where: str = ""


def root_cause(error: BaseException, where: str = "") -> str:
    """Return what was raised first, and where, as one line: ``ValueError: boom (in the data)``.

    Relies on: the texts of TensorFlow's, Keras's and torch's exceptions. Without them an exception's first line is
    returned.

    Args:
        error: What passed.
        where: The place, where the caller knows it.
    """
    try:
        inner = _unwrapped(error)
        found = _read(inner)
        line, place = _line(found), where or _place(error, inner, found)
        if cause := _cause_of(inner):
            line = f"{line}, from {_line(_read(cause))}"
    except Exception:  # it cannot say what it is
        log.debug("The cause of a %s cannot be read", type(error).__name__, exc_info=True)
        line, place = type(error).__name__, where
    tail = f" (in {_cut(place, MAX_WHERE)})" if place else ""
    return _cut(line, MAX_LINE - len(tail)) + tail


def _place(error: BaseException, inner: BaseException, found: Found) -> str:
    return "the data" if _names_data(str(inner)) or passes_through_data(error) else found.where


def passes_through_data(error: BaseException) -> bool:
    """Tell whether an exception came out of the code that reads data, by the functions that it passed.

    Relies on: the files ``epoch_iterator.py`` and ``data_adapters/`` of Keras, and ``torch.utils.data``. Without them
    the place is not told.
    """
    at = error.__traceback__
    while at is not None:
        code = at.tb_frame.f_code
        # Through `catch_stop_iteration` all exceptions pass.
        if DATA_FILES.search(code.co_filename.replace("\\", "/")) and code.co_name != "catch_stop_iteration":
            return True
        at = at.tb_next
    return False


def _names_data(text: str) -> bool:
    return any(name in text for name in DATA_NODES) or "in DataLoader worker process" in text


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An exception and what it was raised from, or while handling which, outermost first."""
    seen: set[int] = set()
    at: BaseException | None = error
    while at is not None and id(at) not in seen and len(seen) < MAX_CHAIN:
        yield at
        seen.add(id(at))
        group = getattr(at, "exceptions", None)
        if isinstance(at, BaseExceptionGroup) and group and len(group) == 1:
            at = group[0]
        else:
            at = at.__cause__ or (None if at.__suppress_context__ else at.__context__)


def _unwrapped(error: BaseException) -> BaseException:
    """The outermost of the chain that says something of its own."""
    chain = list(_chain(error))
    for at, inner in itertools.pairwise(chain):
        if not _wraps(at, str(at), str(inner).strip()):
            return at
    return chain[-1]


def _wraps(error: BaseException, text: str, inner: str) -> bool:
    """Whether an exception only carries another: it says nothing, or what the other says."""
    if isinstance(error, BaseExceptionGroup) or not text.strip() or text.strip() == inner:
        return True
    return isinstance(error, RuntimeError) and text.endswith("raised StopIteration")


def _cause_of(error: BaseException) -> BaseException | None:
    """What the user's own code said an exception was raised from, at the beginning of that."""
    at: BaseException | None = error.__cause__
    last = None
    for _ in range(MAX_CHAIN):
        if at is None or at is error:
            break
        last, at = at, at.__cause__
    return last


def _line(found: Found) -> str:
    return f"{found.kind}: {found.said}" if found.said else found.kind


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _read(error: BaseException) -> Found:
    found, name = read_text(str(error)), type(error).__name__
    return Found(found.kind or name, found.said, found.where)


def read_text(text: str) -> Found:
    """Return what an exception's text tells of the exception at its root.

    Relies on: how TensorFlow ("Graph execution error", "Detected at node"), its AutoGraph ("in user code"), Keras
    ("Exception encountered when calling") and torch's DataLoader ("Original Traceback") write.
    """
    text = COLOURS.sub("", text)
    calling = CALLING.search(text)
    if calling is not None:
        inner = read_text(calling[2].partition("\nArguments received by ")[0])
        return Found(inner.kind, inner.said, inner.where or calling[1])
    node = NODE.search(text)
    where = "" if node is None else f"node {node[1].removeprefix('StatefulPartitionedCall/')}"
    raised = _of_traceback(text) or _of_user_code(text)
    if raised is not None:
        return Found(raised.kind, raised.said, where)
    return Found("", _first_line(text), where)


def _of_traceback(text: str) -> Found | None:
    """What the traceback in a text ends with; of chained ones the last."""
    found = None
    for match in TRACEBACK.finditer(text):
        if found is not None and not CHAINED.search(text[: match.start()].rstrip().rpartition("\n")[2]):
            break  # of another thread or device, which failed as well
        rest = text[match.end() :].splitlines()
        line = next((line for line in rest if line.strip() and not line[0].isspace()), "")
        raised = RAISED.fullmatch(line.strip())
        if raised is None:
            break
        found = Found(raised[1].rpartition(".")[2], (raised[2] or "").strip())
    return found


def _of_user_code(text: str) -> Found | None:
    """What the code raised that TensorFlow's AutoGraph had rewritten."""
    if not text.lstrip().startswith("in user code:"):
        return None
    for line in text.splitlines():
        raised = RAISED.fullmatch(line.strip())
        # The lines before it are indented more: the places, and the code there.
        if raised is not None and line.startswith("    ") and not line.startswith("     ") and raised[2]:
            return Found(raised[1].rpartition(".")[2], raised[2].strip())
    return None


def _first_line(text: str) -> str:
    """The first line that says something: not TensorFlow's headline, nor where a node was defined."""
    lines = text.splitlines()
    graph = any(line.strip() == "Graph execution error:" for line in lines)
    skipped = ("Graph execution error:", "<stack traces unavailable>")
    said = [line for line in lines if line.strip() and line.strip() not in skipped]
    if graph:
        said = [line for line in said if not line.startswith(("Detected at node", " ", "\t"))] or said
    return said[0].strip() if said else (lines[0].strip() if lines else "")
