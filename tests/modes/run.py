"""Runs every check in one mode, prints and writes what came of each: `python tests/modes/run.py graph`.

Of each it says `ok`, `refused: why`, or `failed: how`. `optimizers` in place of a mode changes every number of every
optimizer. On JAX: `python tests/support/backends.py jax tests/modes/run.py jax-jit`.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # before Keras starts TensorFlow
sys.path.insert(0, str(Path(__file__).parents[1]))

from modes import checks
from modes.mode import begin
from modes.models import shared_unit
from modes.optimizers import check_optimizer, optimizer_classes
from modes.outcome import outcome
from modes.table import TITLES

OPTIMIZERS = "optimizers"  # no mode: every optimizer's numbers, TensorFlow graph


def main() -> None:
    """Run one mode."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("mode", choices=[*TITLES, OPTIMIZERS])
    parser.add_argument("--json", type=Path, help="where to write the results")
    parser.add_argument("--only", help="run the checks whose name contains this")
    parser.add_argument("--trace", action="store_true", help="print where a check failed")
    arguments = parser.parse_args()
    begin("graph" if arguments.mode == OPTIMIZERS else arguments.mode)
    results: dict[str, object] = {}
    found = checks.load()
    wanted = optimizer_classes() if arguments.mode == OPTIMIZERS else list(found)
    for name in wanted:
        if arguments.only and arguments.only not in name:
            continue
        began = time.perf_counter()
        if arguments.mode == OPTIMIZERS:
            results[name] = check_optimizer(name)
        else:
            results[name] = outcome(found[name])
            if results[name] != "ok":
                shared_unit.cache_clear()
        print(f"{time.perf_counter() - began:6.2f} s  {name}: {results[name]}", flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
