"""The benchmark of a cached report draws the paper's whole report, from a store that was filled for it."""

import pytest

from polyspan.bench import cached_report as cached


@pytest.mark.slow
def test_the_whole_report_is_drawn():
    first, again = cached.cached_report()
    assert again < first < 120  # the benchmark says how fast it is; this is against much worse
