"""JAX and torch for the tests: this environment, with one of them laid over it.

`KCB_BACKENDS=jax,torch` names them; without it the tests use TensorFlow alone. Keras, NumPy and all else is this
environment's.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import overlays

WANTED = {
    "jax": ["--no-deps", "jax==0.10.2", "jaxlib==0.10.2"],  # the rest, NumPy above all, came with Keras
    # Without CUDA: a tenth of the size.
    "torch": ["--extra-index-url", "https://download.pytorch.org/whl/cpu", "torch==2.13.0+cpu"],
}


def named() -> set[str]:
    """The backends to test with."""
    return {"tensorflow", *(name.strip() for name in os.environ.get("KCB_BACKENDS", "").split(",") if name.strip())}


def overlay(backend: str) -> Path:
    """The folder that holds this backend."""
    wanted = WANTED[backend]
    return overlays.make(wanted[-1].replace("==", "-"), *wanted)


def environment(backend: str) -> dict[str, str]:
    """The environment variables of a process that uses it."""
    over = [] if backend == "tensorflow" else [str(overlay(backend))]
    path = os.pathsep.join([*over, str(overlays.ROOT)])
    return {**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": path, "TF_CPP_MIN_LOG_LEVEL": "3"}


def main() -> None:
    """``python tests/support/backends.py torch -m pytest ...`` runs Python on that backend."""
    backend, *arguments = sys.argv[1:]
    os.execve(sys.executable, [sys.executable, *arguments], environment(backend))


if __name__ == "__main__":
    main()
