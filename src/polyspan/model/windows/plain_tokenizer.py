"""A tokenizer as far as answering needs one: without transformers."""

import copy
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from polyspan.model.windows.tokenizer_file import TokenizerFile
from polyspan.model.windows.windows import Layout


@dataclass(frozen=True)
class PlainTokenizer:
    """What windows need of a tokenizer."""

    backend: Any
    """A `TokenizerFile`, or a `Tokenizer` of tokenizers that has been built."""
    layout: Layout
    unk_token_id: int | None
    cls_token_id: int | None
    model_max_length: int

    @classmethod
    def open(cls, path: Path, facts: Mapping[str, Any]) -> "PlainTokenizer":
        """The tokenizer in a tokenizer.json, with its `facts`. Raises whatever json, tokenizers and a wrong or a
        missing fact raise."""
        shape: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in facts["layout"].items()
        }
        return cls(TokenizerFile(path), **{**facts, "layout": Layout(**shape)})

    def save(self, path: Path) -> dict[str, Any]:
        """Write its tokenizer.json; returns what is to be known beside it, for `open`."""
        if isinstance(self.backend, TokenizerFile):
            shutil.copyfile(self.backend.path, path)
        else:
            self.backend.save(str(path), pretty=False)
        facts = {name: getattr(self, name) for name in ("unk_token_id", "cls_token_id", "model_max_length")}
        return {"layout": asdict(self.layout), **facts}

    @property
    def backend_tokenizer(self) -> Any:
        """The tokenizer of tokenizers, with all its pieces."""
        return self.backend.whole if isinstance(self.backend, TokenizerFile) else self.backend

    def __deepcopy__(self, memo: dict[int, Any]) -> "PlainTokenizer":
        return replace(self, backend=copy.deepcopy(self.backend_tokenizer, memo))

    def cutting(self, texts: Sequence[str]) -> Any:
        """A tokenizer of tokenizers for these texts."""
        return self.backend.cutting(texts) if isinstance(self.backend, TokenizerFile) else self.backend
