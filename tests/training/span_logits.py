"""What a Reader computes of a corpus, for tests of what is trained."""

import numpy as np
import torch

from polyspan.model.batch import collate
from polyspan.model.reader import Reader
from polyspan.model.windows.windows import make_windows


def logits(reader: Reader, corpus) -> tuple[torch.Tensor, ...]:
    windows = make_windows(corpus, reader.tokenizer, reader.options)
    with torch.inference_mode():
        return reader.logits(collate(windows, reader.layout, np.arange(len(windows))))


def same(one, two) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one, two, strict=True))
