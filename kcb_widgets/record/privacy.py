"""Takes folders, and the names of the user and of the machine, out of a text that may be passed on."""

from __future__ import annotations

import getpass
import logging
import os
import re
import socket
from collections.abc import Iterator
from functools import cache
from pathlib import Path

log = logging.getLogger(__name__)

HIDDEN = "…"
MIN_NAME = 3
LOOKED_AT = ("USER", "LOGNAME", "USERNAME", "JUPYTERHUB_USER", "SUDO_USER", "HOSTNAME", "COMPUTERNAME")

# Accounts and machines that many have; then words of training, and of English, that are names as well.
_WORDS = """
root user users admin administrator guest home host localhost localdomain local server node master worker main default
public system service nobody jovyan ubuntu debian fedora centos alpine ec2-user azureuser runner codespace vscode colab
kaggle docker container jupyter notebook lab gpu cpu cuda
keras tensorflow torch jax numpy python model models data dataset train training test tests val dev work project app
code src run runs best last loss layer layers dense conv adam min max mean sum
will may mark art bill grant drew rose dot sue rob
"""
COMMON = frozenset(_WORDS.split())
"""What is taken out of no text although a user or a machine is called so."""

# Characters of a folder's name. Some end a path where the next one begins, as in a list of paths.
_POSIX = r"""(?:[^\s/\\"'`<>|:,;=]|[':,;=](?![/~])|\\(?:\ |u[0-9a-fA-F]{4}))+"""
_WINDOWS = r"""[^\\/:*?"<>|\r\n]{1,255}"""
_LAST = r"""[^\s/\\"'`<>|:,;=]+"""
_PATH = re.compile(
    rf"""
      (?<![A-Za-z0-9])(?P<scheme>[A-Za-z][A-Za-z0-9+.-]{{1,20}})://(?P<rest>[^\s"'`<>]*)
    | (?<=(?P<quote>["'`]))                                                # between quotes a path may have spaces
      (?P<quoted>(?:[A-Za-z]:)?[\\/]+(?![\s\\/])[^"'`\r\n]*[\\/])(?P<quoted_last>[^"'`\\/\r\n]+)(?=(?P=quote))
    | (?<![A-Za-z0-9])(?P<drive>[A-Za-z]:[\\/]+(?:{_WINDOWS}\\+|[^\s\\/:*?"<>|]+/+)+)(?P<drive_last>{_LAST})
    | (?<![\w\\:])(?P<share>\\\\+(?:[?.]\\+)?[\w.$-]{{2,}}\\+(?:{_WINDOWS}\\+)*)(?P<share_last>{_LAST})
    | (?<![\w~.…/\\-])(?P<tilde>~(?:[A-Za-z_][\w.-]*)?[\\/]+(?:{_POSIX}/+)*)(?P<tilde_last>{_LAST})
    | (?<![\w.~…%$)\]}}*\\/])(?P<posix>/+(?:{_POSIX}/+)+)(?P<posix_last>{_LAST})
    """,
    re.VERBOSE,
)
_KINDS = ("quoted", "drive", "share", "tilde", "posix")
_SEPARATORS = re.compile(r"[\\/]+")
_WHOLE = re.compile(r"""file:/|[A-Za-z]:[\\/]|[\\]{2}|/+[^\s/]|~(?:[A-Za-z_][\w.-]*)?[\\/]""")
_LOGIN = re.compile(r"^[^/@]*@")
_HOMES = ("home", "users")


def without_private(text: str) -> str:
    """Take what is private out of a text, and leave the rest as it is.

    Absolute paths, of POSIX and of Windows, lose all but their last component: ``…/best.keras``. A home directory loses
    that too, as it is a name. Without quotes around it a POSIX path ends at a space: what comes after is not recognised
    as a part of it. The names of the user and of this machine become ``…``, unless they are short or common words.

    Args:
        text: Any text; it may be long.

    Returns:
        The text; the same one where nothing is private.
    """
    if any(mark in text for mark in "/\\"):
        text = _PATH.sub(_replaced, text)
    names = _names()
    return text if names is None else names.sub(HIDDEN, text)


def without_folders(text: str) -> str:
    """Return the last component of a text that is an absolute path and nothing else; other texts as they are.

    Args:
        text: What may be a path, with spaces in it.
    """
    if "\n" in text or not _WHOLE.match(text):
        return text
    *folders, last = _SEPARATORS.split(text.rstrip("\\/"))
    return HIDDEN if not last or _is_home(folders) else last


def _replaced(found: re.Match[str]) -> str:
    if found["scheme"]:
        return _address(found["scheme"], found["rest"])
    kind = next(kind for kind in _KINDS if found[kind])
    return _shortened(found[kind], found[f"{kind}_last"])


def _shortened(folders: str, last: str) -> str:
    """What is left of a path."""
    return HIDDEN if _is_home(_SEPARATORS.split(folders.rstrip("\\/"))) else f"{HIDDEN}/{last}"


def _is_home(folders: list[str]) -> bool:
    return bool(folders) and folders[-1].casefold() in _HOMES


def _address(scheme: str, rest: str) -> str:
    """A URL, without a login; where it is no other machine's, it is a path like any other."""
    if scheme.casefold() != "file" and not rest.startswith("/"):
        return f"{scheme}://{_LOGIN.sub(f'{HIDDEN}@', rest)}"
    bare = rest.rstrip("\\/")
    folders, separator, last = bare.rpartition("/")
    return _shortened(folders + separator, last) + rest[len(bare) :] if last else f"{scheme}://{rest}"


@cache
def _names() -> re.Pattern[str] | None:
    """What finds the user's and the machine's names as words; looked up once."""
    names = {name for name in _looked_up() if _is_telling(name)}
    if not names:
        return None
    either = "|".join(re.escape(name) for name in sorted(names, key=lambda name: (-len(name), name)))
    return re.compile(rf"(?<![^\W_])(?:{either})(?![^\W_])", re.IGNORECASE)


def _is_telling(name: str) -> bool:
    return len(name) >= MIN_NAME and name.casefold() not in COMMON and any(letter.isalpha() for letter in name)


def _looked_up() -> Iterator[str]:
    for look in (getpass.getuser, socket.gethostname, _full_name, lambda: Path.home().name):
        try:
            found = look().strip()
        except Exception:  # there is no such entry, or no such database
            log.debug("A name cannot be looked up", exc_info=True)
            continue
        yield found
        yield found.partition(".")[0]  # a machine's without its domain
    for variable in LOOKED_AT:
        yield os.environ.get(variable, "").strip()


def _full_name() -> str:
    """The user's own name, as the system's list of accounts has it."""
    import pwd  # not on Windows

    return pwd.getpwuid(os.getuid()).pw_gecos.partition(",")[0]
