"""What tests of training share."""

import signal

import pytest

from polyspan.training import loop as training


@pytest.fixture
def stop_at(monkeypatch):
    """`steps = stop_at(3)`: a signal comes as the third step begins; the list fills with the numbers of all."""

    def stop(count: int, number: int = signal.SIGTERM) -> list[int]:
        steps: list[int] = []
        take_step = training.take_step

        def stopped(run, model, optimizer, step):
            steps.append(step)
            if len(steps) == count:
                signal.raise_signal(number)
            return take_step(run, model, optimizer, step)

        monkeypatch.setattr(training, "take_step", stopped)
        return steps

    return stop
