"""Random fits, steered at random; `make fuzz` does the same for an hour."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, Phase, given, settings

from fuzz import properties
from fuzz.cases import cases

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
