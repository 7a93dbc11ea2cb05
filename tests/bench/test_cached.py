"""The benchmark of a cached report draws the paper's whole report, from a store that was filled for it."""

from dataclasses import replace

import pytest

from polyspan.bench import cached_report as cached


@pytest.mark.slow
def test_the_whole_report_is_drawn(monkeypatch):
    """Of the paper in small; the benchmark has it large, and says how fast it is. The bound is against worse."""

    def small(*given):
        known = facts(*given)
        return replace(known, questions=min(known.questions or 300, 300))

    facts = cached.facts
    monkeypatch.setattr(cached, "RECIPE", "mini/paper")
    monkeypatch.setattr(cached, "facts", small)
    monkeypatch.setattr(cached, "_filled", cached._filled.__wrapped__)
    first, again = cached.cached_report()
    assert again < first < 120
