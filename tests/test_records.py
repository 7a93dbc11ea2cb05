"""Records are found where they stand, and those of other packages beside them."""

import sys
from importlib.metadata import EntryPoint
from types import ModuleType

import pytest

from polyspan import records
from polyspan.errors import PolyspanError
from polyspan.records import Records
from polyspan.score.metric import Metric, shared


def _metric(name: str) -> Metric:
    return Metric(name, str.lower, str.split, shared)


def _offer(monkeypatch, value: object) -> None:
    """As an installed package would, under the group of metrics."""
    module = ModuleType("stranger")
    module.rule = value
    monkeypatch.setitem(sys.modules, "stranger", module)
    point = EntryPoint("rule", "stranger:rule", "polyspan.metrics")
    monkeypatch.setattr(records, "entry_points", lambda group: [point] if group == "polyspan.metrics" else [])


def _metrics() -> Records[Metric]:
    return Records("polyspan.score", Metric, "polyspan.metrics")


def test_every_file_of_a_room_gives_its_records():
    assert {"squad.v1", "squad.v2", "korquad.v1", "drcd.v1", "cmrc.v1", "hsu.v1"} <= set(_metrics())


def test_another_package_adds_one(monkeypatch):
    _offer(monkeypatch, _metric("mine.v1"))
    assert _metrics()["mine.v1"].exact("A", "a")
    assert len(_metrics()) > 6


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("text", "a str, where a polyspan.score.metric.Metric belongs"),
        (_metric("squad.v1"), "'squad.v1' is taken"),
    ],
)
def test_what_does_not_fit_is_told(monkeypatch, value, message):
    _offer(monkeypatch, value)
    with pytest.raises(PolyspanError, match=r"polyspan\.metrics: rule = stranger:rule") as caught:
        list(_metrics())
    assert message in str(caught.value)


def test_what_cannot_be_imported_is_told(monkeypatch):
    point = EntryPoint("rule", "nowhere.at_all:rule", "polyspan.metrics")
    monkeypatch.setattr(records, "entry_points", lambda group: [point])
    with pytest.raises(PolyspanError, match="ModuleNotFoundError: No module named 'nowhere'"):
        len(_metrics())
