"""A case: one fit and what is asked of its Monitor, in plain values, so that a found case can be kept as a test."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass

from hypothesis import strategies as st

MODELS = ("linear", "dense", "dropout", "batchnorm", "nested", "masked", "two_outputs", "sampling")
OPTIMIZERS = ("sgd", "momentum", "adam", "adamw", "rmsprop", "adagrad", "ema", "decay", "cosine",
              "gathered", "loss_scale")  # fmt: skip
DATA = ("arrays", "generator", *(("dataset", "filtered") if importlib.util.find_spec("tensorflow") else ()))
WEIGHTS = ("", "class_weight", "sample_weight")
CALLBACKS = ("reduce", "early", "scheduler", "printer")
SOURCES = ("policy", "callback", "thread")


@dataclass(frozen=True)
class Act:
    """Something that is asked of a Monitor.

    Attributes:
        at: After how many batches of the fit; an act of a thread comes at that batch or later.
        what: ``set``, or a method of Monitor.
        pick: 0 to 1; chooses among the fit's controls or snapshots.
        value: 0 to 1; chooses the value in the control's range.
        source: Who asks: a policy, a callback that comes after Monitor, or another thread.
        end: Whether a policy or callback asks at the end of the epoch that batch ``at`` is in.
    """

    at: int
    what: str
    pick: float = 0.0
    value: float = 0.5
    source: str = "policy"
    end: bool = False


@dataclass(frozen=True)
class Case:
    """A fit.

    Attributes:
        model, optimizer, data, weights: Their kinds; see ``models.py``.
        samples: How many samples; batches hold four, the last of an epoch perhaps fewer.
        epochs: As ``fit`` is told.
        validation: Whether there are validation data.
        eager: Whether Keras runs the step as plain Python.
        callbacks: The fit's other callbacks, in order.
        place: Where Monitor stands among them.
        snapshots: Whether one is taken at the end of each epoch.
        acts: What is asked, in order.
        seed: Of the weights, the data and the random layers.
    """

    model: str = "dense"
    optimizer: str = "adam"
    data: str = "arrays"
    weights: str = ""
    samples: int = 16
    epochs: int = 2
    validation: bool = False
    eager: bool = False
    callbacks: tuple[str, ...] = ()
    place: int = 0
    snapshots: bool = False
    acts: tuple[Act, ...] = ()
    seed: int = 0

    @property
    def batches(self) -> int:
        """Batches in an epoch, as Keras will find."""
        return -(-self.samples // 4)


UNIT = st.floats(0, 1, width=16)
VERBS = (
    *("set",) * 8,
    *("snapshot", "rollback", "undo", "freeze", "unfreeze") * 2,
    *("evaluate", "forget", "step", "pause", "stop", "stop_epoch", "epochs", "hold", "take_over", "release", "cut"),
)


def acts(batches: int) -> st.SearchStrategy[Act]:
    """Acts within so many batches."""
    return st.builds(
        Act,
        at=st.integers(0, max(batches - 1, 0)),
        what=st.sampled_from(VERBS),
        pick=UNIT,
        value=UNIT,
        source=st.sampled_from(SOURCES),
        end=st.booleans(),
    )


@st.composite
def cases(draw: st.DrawFn, steered: bool = True) -> Case:
    """Cases; with ``steered=False`` nothing is asked of Monitor."""
    samples, epochs = draw(st.integers(4, 18)), draw(st.integers(1, 3))
    batches = -(-samples // 4) * epochs
    asked = draw(st.lists(acts(batches), min_size=1, max_size=8)) if steered else []
    callbacks = draw(st.lists(st.sampled_from(CALLBACKS), unique=True, max_size=2))
    return Case(
        model=draw(st.sampled_from(MODELS)),
        optimizer=draw(st.sampled_from(OPTIMIZERS)),
        data=draw(st.sampled_from(DATA)),
        weights=draw(st.sampled_from(WEIGHTS)),
        samples=samples,
        epochs=epochs,
        validation=draw(st.booleans()),
        eager=draw(st.sampled_from((False, False, True))),
        callbacks=tuple(callbacks),
        place=draw(st.integers(0, len(callbacks))),
        snapshots=draw(st.booleans()),
        acts=tuple(sorted(asked, key=lambda act: act.at)),
        seed=draw(st.integers(0, 99)),
    )
