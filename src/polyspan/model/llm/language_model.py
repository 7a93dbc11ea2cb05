"""A language model by its name, and its replies, kept on disk so that nothing is asked twice."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Protocol

from polyspan.data.cache import Shelf
from polyspan.errors import UsageError
from polyspan.model.encoders.model_name import LLM
from polyspan.model.llm.endpoint import EndpointModel, Requests
from polyspan.model.llm.llm_name import endpoint_of, is_llm
from polyspan.model.llm.local_model import LocalModel
from polyspan.model.llm.reply import LlmReply, Prompt
from polyspan.progress import progress

MAX_TOKENS = 64
"""Tokens of a reply, at most."""


class _Backend(Protocol):
    identity: str
    retried: int

    def replies(self, prompts: Sequence[Prompt]) -> Iterator[tuple[int, LlmReply]]: ...


@dataclass(slots=True)
class Replies:
    """The reply to each prompt by its key; how many of them are `new`, and how often one was asked for again."""

    by_key: dict[str, LlmReply] = field(default_factory=dict)
    new: int = 0
    retried: int = 0


class LanguageModel:
    """A causal language model that is asked by prompts: `LanguageModel.load`."""

    def __init__(self, name: str, backend: _Backend) -> None:
        self.name, self._backend = name, backend

    def __repr__(self) -> str:
        return f"LanguageModel({self.name!r})"

    @classmethod
    def load(cls, name: str, *, max_tokens: int = MAX_TOKENS, requests: Requests = Requests()) -> "LanguageModel":
        """The model of a name: `llm:URL#MODEL`, an OpenAI-compatible endpoint, or `llm:` and a folder, a .gguf
        file or `OWNER/NAME@REVISION` on the hub, which transformers runs here.

        An endpoint's key is taken from POLYSPAN_LLM_KEY, or else OPENAI_API_KEY, in the environment. `requests` is
        of endpoints alone. Raises UsageError for what is no such name, and PolyspanError for a model that cannot
        be had.
        """
        if not is_llm(name):
            raise UsageError(f"{name!r} is no language model", expected=f"a name that begins with {LLM}")
        if max_tokens < 1:
            raise UsageError("max_tokens must be at least 1", found=str(max_tokens))
        if (endpoint := endpoint_of(name)) is not None:
            return cls(name, EndpointModel(endpoint, max_tokens, requests))
        return cls(name, LocalModel(name, max_tokens))

    def reply(self, prompts: Mapping[str, Prompt], *, again: bool = False, doing: str = "") -> Replies:
        """The reply to every prompt, under the prompt's own key.

        What was ever asked of the same model, in the same words and with the same settings, is in polyspan's
        cache; `again` asks all the same. Each new reply is in the cache before the next is waited for: a run that
        was killed, or that fails, goes on from there. Raises PolyspanError where a reply cannot be had.
        """
        shelf = Shelf("replies", self._backend.identity)
        keys = {key: _digest(prompt) for key, prompt in prompts.items()}
        wanted = {keys[key]: prompt for key, prompt in prompts.items()}
        kept = {} if again else shelf.get(list(wanted))
        found = {digest: LlmReply(**json.loads(value)) for digest, value in kept.items()}
        left = {digest: prompt for digest, prompt in wanted.items() if digest not in found}
        digests, before = list(left), self._backend.retried
        with progress(doing, len(left), "questions") as advance:
            for place, reply in self._backend.replies(list(left.values())) if left else ():
                shelf.put({digests[place]: json.dumps(asdict(reply)).encode()}, again=again)
                found[digests[place]] = reply
                advance(1, "")
        by_key = {key: found[digest] for key, digest in keys.items()}
        return Replies(by_key, len(left), self._backend.retried - before)


def _digest(prompt: Prompt) -> str:
    return hashlib.sha256(json.dumps(prompt).encode()).hexdigest()
