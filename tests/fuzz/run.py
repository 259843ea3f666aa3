"""Fuzzes for so many seconds: `python tests/fuzz/run.py --seconds 3600`.

On JAX: `python tests/support/backends.py jax tests/fuzz/run.py --seconds 3600`.
"""

from __future__ import annotations

import argparse
import collections
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

import conftest  # noqa: F401  # TensorFlow on one thread: with several it rounds differently from fit to fit
import hypothesis
from hypothesis import HealthCheck, Phase, given, settings

from fuzz import properties
from fuzz.cases import Case, cases

FEW = 10  # cases between two looks at the clock


def fuzz(check: Callable[[Case], None], steered: bool, seed: int, failures: list[tuple[Case, BaseException]]) -> int:
    """Run a few random cases; tells how many, and puts those that failed on the list."""
    count = 0

    @hypothesis.seed(seed)
    @settings(max_examples=FEW, deadline=None, database=None, phases=[Phase.generate],
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(case=cases(steered=steered))
    def some(case: Case) -> None:
        nonlocal count
        count += 1
        try:
            check(case)
        except Exception as error:
            failures.append((case, error))
            print(f"\n{type(error).__name__}: {error}\n{check.__name__}({case!r})", flush=True)

    some()
    return count


def main() -> None:
    """Fuzz, and exit with 1 if anything failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3600)
    parser.add_argument("--seed", type=int, help="the first of the random seeds")
    parser.add_argument("--only", choices=["untouched", "steered"])
    arguments = parser.parse_args()
    end, seed = time.monotonic() + arguments.seconds, arguments.seed
    seed = random.randrange(2**32) if seed is None else seed
    counts: collections.Counter[str] = collections.Counter()
    failures: list[tuple[Case, BaseException]] = []
    print(f"first seed {seed}")
    while time.monotonic() < end:
        for name, steered in (("untouched", False), ("steered", True)):
            if arguments.only in (None, name):
                counts[name] += fuzz(getattr(properties, name), steered, seed, failures)
        seed += 1
        print(f"{dict(counts)}, {len(failures)} failed", flush=True)
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()
