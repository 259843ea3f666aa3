"""What can be asked, and the way to what does it. Modules that do something are imported when they are asked to."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence

from .. import __version__

PROGRAM = "kcb-widgets"
FOLDER = "runs"
OK, WRONG, USAGE = 0, 1, 2
INTERRUPTED = 130  # as shells have it
RUN = "a run file; or, in the folder, a run's id, its beginning, its name or its file's name"


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what is asked.

    Args:
        arguments: What stands after the command; None: those of this process.

    Returns:
        The exit status: 0 if all is well, 1 if something is wrong with what was asked for or found, 2 if it cannot be
        asked so.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # a terminal may not know all letters
    try:
        asked = parser().parse_args(arguments)
    except SystemExit as done:  # argparse has said what is wrong
        return done.code if isinstance(done.code, int) else USAGE
    module, name = asked.does
    try:
        status = int(getattr(importlib.import_module(module, __package__), name)(asked))
        sys.stdout.flush()
        return status
    except BrokenPipeError:  # the reader has seen enough, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except KeyboardInterrupt:
        return INTERRUPTED
    except (OSError, ValueError, ModuleNotFoundError) as error:
        from .output import clean

        print(f"{PROGRAM}: {clean(str(error))}", file=sys.stderr)
        return WRONG


def parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    made = argparse.ArgumentParser(PROGRAM, description="Runs that Monitor(log_dir=...) keeps in files.")
    made.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}")
    commands = made.add_subparsers(required=True, metavar="command")

    def command(name: str, module: str, says: str) -> argparse.ArgumentParser:
        found = commands.add_parser(name, help=says, description=f"{says[0].upper()}{says[1:]}.")
        found.set_defaults(does=(f".{module}", name.replace("import", "import_")))
        found.add_argument("--json", action="store_true", help='strict JSON; NaN is {"float": "NaN"}')
        return found

    ls = command("ls", "look", "list a folder's runs, the newest first")
    ls.add_argument("folder", nargs="?", default=FOLDER, help=f"the folder; {FOLDER} by default")
    ls.add_argument(
        "--sort", metavar="name", help="by a column, metric (val_loss, best_val_loss) or setting; small first"
    )
    ls.add_argument("--reverse", action="store_true", help="the other way round")
    ls.add_argument("--filter", metavar="text", help="those with a text in id, name, status, tags, notes or config")
    ls.add_argument("--limit", metavar="n", type=_count, help="no more than so many")

    show = command("show", "look", "show a run: what it was, last and best values, settings, events")
    show.add_argument("run", help=RUN)
    show.add_argument("--folder", default=FOLDER, help=f"where ids and names are looked for; {FOLDER} by default")
    show.add_argument(
        "--events", metavar="n", type=_count, default=20, help="so many of the latest events; 20 by default"
    )

    compare = command("compare", "look", "compare runs: the settings that differ, and the metrics")
    compare.add_argument("runs", nargs="+", help="a folder, or runs: files, ids or names")
    compare.add_argument("--folder", default=FOLDER, help=f"where ids and names are looked for; {FOLDER} by default")

    export = command("export", "files", "write a run as something that other programs read")
    export.add_argument("run", help=RUN)
    export.add_argument("--to", required=True, choices=("csv", "html", "json", "parquet", "tensorboard"))
    export.add_argument("-o", "--output", metavar="path", required=True, help="the file; for tensorboard the folder")
    export.add_argument("--batches", action="store_true", help="csv: the batches, in place of the epochs")
    export.add_argument("--public", action="store_true", help="without what could tell who made it; says what that was")
    export.add_argument("--force", action="store_true", help="replace what is there")
    export.add_argument("--folder", default=FOLDER, help=f"where ids and names are looked for; {FOLDER} by default")

    import_ = command("import", "files", "make a run file of a CSVLogger's file or a TensorBoard folder")
    import_.add_argument("source", help="the file, or the run's folder")
    import_.add_argument("--into", metavar="folder", default=FOLDER, help=f"where it is made; {FOLDER} by default")
    import_.add_argument("--name", help="what the run is called; the file's or folder's name by default")

    rm = command("rm", "files", "put run files away, into a folder .bin beside them; never those of runs that train")
    rm.add_argument("runs", nargs="+", help=RUN)
    rm.add_argument("--yes", action="store_true", help="do not ask")
    rm.add_argument("--folder", default=FOLDER, help=f"where ids and names are looked for; {FOLDER} by default")

    check = command("check", "files", "check run files: SQLite's own order, every checksum, all rows")
    check.add_argument("paths", nargs="*", default=[FOLDER], help=f"files or folders; {FOLDER} by default")
    return made


def _count(text: str) -> int:
    """A whole number from 0."""
    if not text.isascii() or not text.isdecimal() or len(text) > 9:
        msg = f"not a whole number: {text!r}"
        raise argparse.ArgumentTypeError(msg)
    return int(text)
