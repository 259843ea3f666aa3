"""The pace, and the time left: what comes once does not count, and the estimate does not jump."""

from __future__ import annotations

import pytest

from kcb_widgets.record.throughput import Throughput

BATCHES, STEP = 100, 0.01


def fit(epochs, start=0.0, validation=0.0, traced=0.0, pause=0.0, every=10):
    """A fit by the clock of a test: where it is, when, and what is thought to be left."""
    pace, seconds, step, seen = Throughput(), 0.0, 0, []
    for epoch in range(epochs):
        first = epoch == 0
        pace.begin_epoch(seconds, step)
        for batch in range(1, BATCHES + 1):
            seconds += STEP + (start + traced * first if batch == 1 else 0.0)
            step += 1
            if batch == 1:
                pace.first_batch(seconds, step)
            if batch == 50 and pause:
                pace.rest(seconds, step)
                seconds += pause
                pace.waited(pause)
                pace.begin(seconds, step)
            if batch % every == 0:
                pace.note(seconds, step)
                seen.append((epoch, batch, seconds, pace.remaining(batch, BATCHES, epochs - epoch - 1)))
        pace.begin_validation(seconds, step)
        seconds += validation / 10 + traced * first
        pace.first_validation_batch(seconds)
        seconds += validation * 9 / 10
        pace.end_epoch(seconds, BATCHES)
    return seen, seconds


@pytest.mark.parametrize("start", [0.0, 0.5])
@pytest.mark.parametrize("validation", [0.0, 0.8])
@pytest.mark.parametrize("traced", [0.0, 5.0])
def test_the_estimate_is_stable_from_the_second_epoch_on(start, validation, traced):
    seen, total = fit(8, start, validation, traced)
    for epoch, batch, seconds, left in seen:
        if epoch >= 1:
            assert left == pytest.approx(total - seconds, rel=0.2, abs=0.05), (epoch, batch)
        if epoch >= 2:
            assert left == pytest.approx(total - seconds, rel=0.03, abs=0.05), (epoch, batch)


def test_a_pause_counts_as_nothing():
    seen, total = fit(5, pause=30.0)
    epoch, _, seconds, left = seen[-1]
    assert epoch == 4
    assert left == pytest.approx(total - seconds, abs=0.05)
    (middle,) = [each for each in seen if each[0] == 3 and each[1] == 60]
    assert middle[3] == pytest.approx(1.4, abs=0.05)  # forty batches and an epoch; nobody knows of the next pause


def test_a_loop_that_tells_of_no_first_batch_is_estimated_too():
    pace, seconds = Throughput(), 0.0
    for epoch in range(3):
        pace.begin_epoch(seconds, epoch * BATCHES)
        for batch in range(1, BATCHES + 1):
            seconds += STEP
            pace.note(seconds, epoch * BATCHES + batch)
        pace.end_epoch(seconds + 0.2, BATCHES)
        seconds += 0.2
    assert pace.remaining(BATCHES, BATCHES, 2) == pytest.approx(2 * (BATCHES * STEP + 0.2) + 0.2, rel=0.02)
