"""Random fits, steered at random; `make fuzz` does the same for an hour."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, Phase, given, settings

from fuzz import properties
from fuzz.cases import Act, Case, cases

EXAMPLES = int(os.environ.get("KCB_FUZZ_EXAMPLES", "6"))
# The same cases each time, so that a failure belongs to a change; `make fuzz` finds new ones.
FUZZ = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@FUZZ
@given(case=cases(steered=False))
def test_a_fit_with_monitor_is_the_fit_without_it(case):
    properties.untouched(case)


@FUZZ
@given(case=cases())
def test_a_steered_fit_is_answered_left_clean_and_done_again(case):
    properties.steered(case)


def test_a_stop_without_validation_where_validation_moves_seeds():
    """Found by `make fuzz`, as seed 536398125: the code validates, and a layer that samples draws then."""
    stop = Act(at=0, what="stop", pick=0.62744140625, value=0.96435546875, source="thread", end=True)
    case = Case(
        model="sampling",
        optimizer="sgd",
        data="filtered",
        weights="none",
        samples=15,
        epochs=3,
        validation=True,
        eager=True,
        callbacks=(),
        place=0,
        snapshots=True,
        acts=(stop,),
        seed=62,
    )
    properties.steered(case)
