"""A kind of stage that takes no time: what is tested with it is the lab's own."""

import json

import pytest

from polyspan.lab.stage import KINDS, Kind
from polyspan.lab.work import WORK


def nothing(options, inputs, out):
    """Write the options."""
    (out / "nothing.json").write_text(json.dumps(dict(options)), "utf-8")


KINDS["nothing"], WORK["nothing"] = Kind(), nothing


@pytest.fixture(autouse=True)
def _nothing_is_this(monkeypatch):
    """Whatever other tests of this process have registered under the name."""
    monkeypatch.setitem(KINDS, "nothing", Kind())
    monkeypatch.setitem(WORK, "nothing", nothing)
