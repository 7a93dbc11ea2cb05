"""How far work has come, as a log shows it."""

from polyspan import progress


def test_what_is_left_goes_by_the_rate_since_the_work_was_taken_up(monkeypatch, capsys):
    """Not by what was done before, which took none of this process's time."""
    now = iter((0.0, 20.0, 22.0, 22.0))
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(now))
    with progress.progress("training", 100, "steps", 80) as advance:
        advance(10, "loss 1.00")
    shown, whole = capsys.readouterr().err.splitlines()
    assert shown == "training: 90/100 steps loss 1.00 (20 s left)"
    assert whole == "training: 10 steps in 22.0 s"
