"""What answers are computed in: bf16 where the machine has it, never int8."""

import pytest
import torch

from polyspan.errors import PolyspanError, UsageError
from polyspan.model.fast import precision
from polyspan.model.reader import Reader
from polyspan.model.windows.windows import WindowOptions

CONTEXT = "The cup was won by hull in 1931, the cup was won by leeds in 1920."
SMALL = WindowOptions(max_length=32, stride=8)


def test_bf16_answers_like_fp32(tiny, monkeypatch):
    monkeypatch.setattr(precision, "has_bf16", lambda: True)
    exact, rough = (Reader.load(tiny, SMALL, 3, dtype) for dtype in ("fp32", "bf16"))
    for one, two in zip(exact.answers("who won", CONTEXT), rough.answers("who won", CONTEXT), strict=True):
        assert abs(one.score - two.score) < 0.02
    assert exact.answers("who won", CONTEXT) == Reader.load(tiny, SMALL, 3).answers("who won", CONTEXT)
    assert all(weight.dtype == torch.float32 for weight in rough.model.parameters())


def test_refused_where_it_would_be_slower(tiny, monkeypatch):
    monkeypatch.setattr(precision, "has_bf16", lambda: False)
    with pytest.raises(PolyspanError, match="slower than fp32"):
        Reader.load(tiny, SMALL, dtype="bf16")


@pytest.mark.parametrize(("name", "told"), [("int8", "loses more answers"), ("bf15", "bf16")])
def test_other_formats(tiny, name, told):
    with pytest.raises(UsageError, match=told):
        Reader.load(tiny, SMALL, dtype=name)
