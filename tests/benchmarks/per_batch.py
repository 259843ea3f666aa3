"""What a batch costs: Monitor against nothing, a no-op callback and what else people use, in a real JupyterLab.

    python tests/benchmarks/per_batch.py [--quick] [--backend NAME] [--repeats N] [--output DIR]

One kernel does all of it, one fit per run of a cell, driven as a user would: whatever displays something displays it in
a real browser. On JAX and torch only the time in Monitor's hooks is taken. Prints a table, and writes it as Markdown
and JSON. Targets are told, not asserted: machines differ.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
TESTS = HERE.parent
sys.path[:0] = [str(HERE), str(TESTS / "support")]

import backends  # noqa: E402
import lab  # noqa: E402
import report  # noqa: E402
from plan import FULL, QUICK, Job, Settings  # noqa: E402

CHROMIUM = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
SETUP = """
import sys; sys.path.insert(0, {here!r})
from pathlib import Path
from in_kernel import Bench
from plan import Settings
bench = Bench(Settings(**{settings!r}), Path({folder!r}))
"""


def main() -> int:
    """Measure, and report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a smoke size: under a minute, and no numbers to quote")
    parser.add_argument("--repeats", type=int, help=f"fits per variant and model (default {FULL.repeats})")
    parser.add_argument("--output", type=Path, default=TESTS / "output", help="folder for the report")
    parser.add_argument("--backend", choices=("tensorflow", *backends.WANTED), default="tensorflow")
    options = parser.parse_args()
    settings = QUICK if options.quick else FULL
    if options.backend != "tensorflow":
        settings = dataclasses.replace(settings, whole=())
    if options.repeats is not None:
        settings = dataclasses.replace(settings, repeats=max(1, options.repeats))

    # A terminated benchmark still closes its browser, server and kernel: the exception unwinds the `with` blocks.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with tempfile.TemporaryDirectory(prefix="kcb-bench-", ignore_cleanup_errors=True) as folder:
        machine = report.machine()
        results = measure(settings, Path(folder), options.backend)
    document = {
        "machine": machine,
        "backend": options.backend,
        "settings": dataclasses.asdict(settings),
        "results": results,
    }
    options.output.mkdir(parents=True, exist_ok=True)
    name = "per_batch" if options.backend == "tensorflow" else f"per_batch-{options.backend}"
    (options.output / f"{name}.json").write_text(json.dumps(document, indent=1) + "\n")
    (options.output / f"{name}.md").write_text(report.markdown(document))
    print(report.text(document))
    return 0


def measure(settings: Settings, folder: Path, backend: str) -> list[dict[str, Any]]:
    """Run all jobs in a kernel of a JupyterLab of our own."""
    server_folder, work = folder / "server", folder / "work"
    server_folder.mkdir()
    work.mkdir()
    setup = SETUP.format(here=str(HERE), settings=dataclasses.asdict(settings), folder=str(work))
    jobs = settings.jobs()
    environment = {name: backends.environment(backend)[name] for name in ("KERAS_BACKEND", "PYTHONPATH")}
    if backend == "jax":
        environment["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    began = time.monotonic()
    with chromium() as browser, lab.lab_server(server_folder, environment=environment) as server:
        notebook = server.open(browser, [setup, "bench.step()"])
        try:
            notebook.run(0)
            notebook.wait(0, 300)
            if not (work / "results.jsonl").exists():
                raise RuntimeError(f"the benchmark's kernel did not start:\n{notebook.text(0)}")
            for number, job in enumerate(jobs, 1):
                _say(number, len(jobs), job, time.monotonic() - began)
                notebook.run(1)
                notebook.wait(1)
        finally:
            _say(0, 0, None, 0)
            notebook.close()
    return [json.loads(line) for line in (work / "results.jsonl").read_text().splitlines()]


def _say(number: int, of: int, job: Job | None, seconds: float) -> None:
    if sys.stderr.isatty():
        line = f"{number}/{of}  {job.model}, {job.variant}, {seconds:.0f} s" if job else ""
        print(f"\r\x1b[K{line}", end="", file=sys.stderr, flush=True)


@contextlib.contextmanager
def chromium(*more: str) -> Iterator[Any]:
    """A browser: ``KCB_CHROMIUM``, the system's, or the one Playwright downloaded.

    Args:
        more: Options for it besides the usual ones.
    """
    from playwright.sync_api import sync_playwright

    found = [os.environ.get("KCB_CHROMIUM"), shutil.which("chromium"), shutil.which("google-chrome")]
    path = next((each for each in found if each and Path(each).exists()), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*CHROMIUM, *more])
        try:
            yield browser
        finally:
            browser.close()


if __name__ == "__main__":
    sys.exit(main())
