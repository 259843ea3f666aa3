"""Doctor: what is installed, where this runs, how clicks get in, and what is wrong; to read, and to paste."""

from __future__ import annotations

import logging
import os
import platform
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from . import kernel
from .kernel import front_ends

log = logging.getLogger(__name__)

PACKAGES = (
    *("kcb-widgets", "keras", "tensorflow", "tensorflow-cpu", "jax", "torch", "numpy", "pandas", "matplotlib"),
    *("anywidget", "ipywidgets", "ipykernel", "ipython", "jupyterlab", "notebook", "marimo"),
)
STATIC = Path(__file__).parent / "static"
FILES = ("board.js", "board.css")


@dataclass(frozen=True)
class Report:
    """What ``doctor()`` found.

    Attributes:
        facts: By what they are about.
        problems: What is wrong, a sentence each that says how to mend it; empty when nothing is.
    """

    facts: dict[str, str]
    problems: tuple[str, ...]

    def __str__(self) -> str:
        width = max(map(len, self.facts))
        lines = [f"{name:<{width}}  {fact}" for name, fact in self.facts.items()]
        wrong = [f"- {problem}" for problem in self.problems] or ["nothing that can be seen from here"]
        return "\n".join([*lines, "", "what is wrong:", *wrong])

    __repr__ = __str__


def doctor() -> Report:
    """What a bug report needs: versions, front end, how the board's messages get in, what trains, and what is wrong.

    Its text is written by displaying it, or by ``print``. Nothing is changed and nothing is sent anywhere; in a kernel
    one harmless message goes to the kernel itself, to see whether it arrives while the cell runs.

    Returns:
        The report; ``problems`` is empty when nothing is wrong.

    Example:
        >>> kcb.doctor()
    """
    facts: dict[str, str] = {}
    problems: list[str] = []
    looks = {"python": _python, "packages": _packages, "front end": _front_end, "clicks": _clicks,
             "kernel patch": _patch, "backend": _backend, "board": _board, "keras": _internals}  # fmt: skip
    for name, look in looks.items():
        try:
            facts[name] = look(problems.append)
        except Exception as error:
            log.warning("doctor: %s could not be found out", name, exc_info=True)
            facts[name] = f"could not be found out ({type(error).__name__}: {error})"
    return Report({name: fact for name, fact in facts.items() if fact}, tuple(problems))


Tell = Callable[[str], None]


def _python(_tell: Tell) -> str:
    return f"{platform.python_version()} on {platform.platform()}, {os.cpu_count()} processors"


def version(package: str) -> str:
    """The version of an installed package; empty where it is not installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def _packages(tell: Tell) -> str:
    found = {name: version(name) for name in PACKAGES}
    if not any(found[name] for name in ("tensorflow", "tensorflow-cpu", "jax", "torch")):
        tell("Keras has no backend to train with: pip install tensorflow")
    return ", ".join(f"{name} {number}" for name, number in found.items() if number)


def _front_end(tell: Tell) -> str:
    front_end = front_ends.here()
    if front_end.problem:
        tell(front_end.problem)
    return f"{front_end.name} ({kernel.where()})"


def _clicks(tell: Tell) -> str:
    pump = kernel.pump()
    if not kernel.notebook():
        return "there is no kernel, so no board that could be clicked; monitor.set() and the like work"
    if kernel.self_test():
        return f"read from the queue of ipykernel {kernel.ipykernel_version()} between batches; proved by a message"
    instead = (
        ": monitor.fit(model, ...) trains in the background, with live controls" if front_ends.here().background else ""
    )
    tell(f"while a cell runs no click arrives ({pump.reason}){instead}")
    return f"wait until the cell ends: {pump.reason}"


def _patch(_tell: Tell) -> str:
    return kernel.patch()


def _backend(tell: Tell) -> str:
    import keras

    backend = keras.backend.backend()
    devices, hint = _devices(backend)
    if hint:
        tell(hint)
    return f"{backend}, {keras.mixed_precision.dtype_policy().name}, on {devices}"


def _devices(backend: str) -> tuple[str, str]:
    """Where the model trains, and what to do where a graphics card is there but not used."""
    if backend == "tensorflow":
        import tensorflow as tf  # type: ignore[import-untyped]

        gpus = tf.config.list_physical_devices("GPU")
        details = [tf.config.experimental.get_device_details(gpu) for gpu in gpus]
        names = [str(detail.get("device_name", gpu.name)) for gpu, detail in zip(gpus, details, strict=True)]
        built = tf.test.is_built_with_cuda()
        hint = "" if built else "this TensorFlow was built without CUDA: pip install 'tensorflow[and-cuda]'"
        hint = hint or "TensorFlow does not see it: see tensorflow.org/install/pip, and restart the kernel"
    elif backend == "torch":
        import torch  # type: ignore[import-not-found,unused-ignore]

        names = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
        hint = "torch does not see it: install a torch built for CUDA (pytorch.org)"
    elif backend == "jax":
        import jax  # type: ignore[import-not-found,unused-ignore]

        names = [device.device_kind for device in jax.devices() if device.platform != "cpu"]
        hint = "JAX does not see it: pip install 'jax[cuda12]'"
    else:
        return f"whatever {backend} uses", ""
    if names:
        return ", ".join(names), ""
    card = Path("/proc/driver/nvidia/version").exists()
    return "the processor", f"there is an NVIDIA driver, but the model trains on the processor; {hint}" if card else ""


def _internals(tell: Tell) -> str:
    from .keras_internals.self_check import missing

    for sentence in missing():
        tell(sentence)
    return ""


def _board(tell: Tell) -> str:
    missing = [name for name in FILES if not (STATIC / name).is_file()]
    if missing:
        tell(f"{' and '.join(missing)} are missing from {STATIC}: the package was not built; pip install it again")
        return "not built"
    boards = sys.modules.get(f"{__package__}.panels.board")
    seen = None if boards is None else boards.latest_view()
    if seen is None:
        return "no browser has shown one yet in this process"
    host, when = seen
    return f"last heard of {time.monotonic() - when:.0f} s ago, in {host or 'a page of unknown kind'}"
