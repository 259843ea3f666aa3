"""At which step a restored model stands: found by what was noted, or said to be unknown, and never guessed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kcb_widgets.record.trail import Count, UnknownStep, step_of

# 0 to 100; back to 60 at 100, and on to 140.
ROLLED_BACK = [
    Count(0, 0, 1, True), Count(1, 1), Count(40, 40, 2), Count(80, 80, 3), Count(100, 60, 4, True), Count(120, 80, 5),
]  # fmt: skip


@pytest.mark.parametrize(
    ("calls", "weights", "step"),
    [
        (0, 1, 0),
        (20, 99, 20),
        (20, None, 20),
        (60, 99, 60),  # noted there after going back: other weights, so it is the one before
        (80, 3, 80),
        (80, 5, 120),
        (101, None, 141),  # what came last may not have been kept
    ],
)
def test_a_step_that_is_certain_is_told(calls, weights, step):
    counts = [each for each in ROLLED_BACK if calls != 60 or not each.begins or each.step == 0]
    assert step_of(counts if calls == 60 else ROLLED_BACK, calls, weights) == step


def test_of_equal_states_it_is_the_one_that_was_trained():
    counts = [Count(0, 0, 1, True), Count(1, 1), Count(10, 10, 2), Count(15, 10, 2, True), Count(30, 0, 1, True)]
    assert step_of(counts, 10, 2) == 10
    assert step_of(counts, 0, 1) == 0


@pytest.mark.parametrize(
    ("calls", "weights", "why"),
    [
        (70, 99, "more than once"),
        (80, None, "more than once"),
        (80, 99, "none that the run had then"),
        (0, 99, "none that the run had then"),
    ],
)
def test_a_step_that_may_be_another_is_not(calls, weights, why):
    with pytest.raises(UnknownStep, match=why):
        step_of(ROLLED_BACK, calls, weights)


def test_an_optimizer_that_is_called_twice_a_batch_tells_only_what_its_weights_prove():
    counts = [Count(0, 0, 1, True), Count(1, 2), Count(10, 20, 2)]
    assert step_of(counts, 20, 2) == 10
    for calls, weights in ((20, None), (10, 5), (24, 5)):
        with pytest.raises(UnknownStep, match="not called once a batch"):
            step_of(counts, calls, weights)


def test_an_optimizer_that_was_passed_over_tells_only_where_it_was_not():
    counts = [Count(0, 0, 1, True), Count(1, 1), Count(10, 8, 2), Count(20, 18, 3)]  # two batches were not counted
    assert step_of(counts, 12, None) == 14
    assert step_of(counts, 18, 3) == 20
    for calls in (5, 25):
        with pytest.raises(UnknownStep, match="not called once a batch"):
            step_of(counts, calls, None)


def test_one_call_more_where_the_data_ran_out_is_no_batch():
    counts = [Count(0, 0, 1, True), Count(1, 1), Count(10, 11, 2), Count(20, 22, 3)]
    assert [step_of(counts, calls, None) for calls in (5, 10, 11, 12, 21, 22, 25)] == [5, 10, 10, 11, 20, 20, 23]


def test_a_run_without_notes_tells_nothing():
    with pytest.raises(UnknownStep, match="nothing was noted"):
        step_of([], 3, None)
    with pytest.raises(UnknownStep, match="never had"):
        step_of([Count(0, 50, 1, True)], 3, None)


@given(st.data())
def test_whatever_the_run_did_the_step_is_the_right_one_or_none(data):
    """Weights differ from state to state here, so a state is known by its number."""
    states, counts, state, calls, step = {0: (0, 0)}, [Count(0, 0, 0, True)], 0, 0, 0
    seen = [(0, 0, 0)]  # calls, state, step of each moment
    for _ in range(data.draw(st.integers(1, 8))):
        for _ in range(data.draw(st.integers(0, 6))):
            state, calls, step = max(states) + 1, calls + 1, step + 1
            states[state] = calls, step
            seen.append((calls, state, step))
        if data.draw(st.booleans()):
            calls, state, _ = data.draw(st.sampled_from(seen))
            counts.append(Count(step, calls, state, True))
            seen.append((calls, state, step))
        else:
            counts.append(Count(step, calls, state if data.draw(st.booleans()) else None))
    calls, state, _ = data.draw(st.sampled_from(seen))
    try:
        found = step_of(counts, calls, state if data.draw(st.booleans()) else None)
    except UnknownStep:
        return
    assert any(each == calls and at == found for each, _, at in seen)
    if len({at for each, _, at in seen if each == calls}) == 1:
        assert found == next(at for each, _, at in seen if each == calls)
