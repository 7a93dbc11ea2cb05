"""What an OpenAI-compatible server answers: one JSON object, or a stream of server-sent events; else a fault."""

import json
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from time import time
from typing import Any

from polyspan.errors import PolyspanError
from polyspan.model.llm.reply import LlmReply

_AGAIN = (408, 409, 425, 429)
_REFUSED = (401, 403)
_LONGEST_WAIT = 600.0  # seconds that an endpoint may ask to be left alone


class Passing(Exception):
    """A fault that may be gone when the same is asked again; `after` are the seconds that the server asks for."""

    def __init__(self, found: str, after: float | None = None) -> None:
        super().__init__(found)
        self.found, self.after = found, after


@dataclass(frozen=True, slots=True)
class ServerAnswer:
    """What came back from `url`. `secret`, the key, is never shown, also where the server sends it back."""

    url: str
    status: int
    headers: Any
    body: str
    secret: str = field(default="", repr=False)

    def reply(self) -> LlmReply:
        """The reply in it.

        Raises Passing for what may pass: an overloaded or failing server, JSON that is cut off or something else.
        Raises PolyspanError for what will not: a key that is refused, a page of HTML, a wrong address or request.
        """
        if self.status != 200:
            raise self._refusal()
        if "event-stream" in self._type or self.body.lstrip().startswith("data:"):
            return self._streamed()
        if self._is_page:
            raise self.fault("a web page, no answer of a language model", fix="check the address: …/v1 is usual")
        found = self._json(self.body)
        choice = self._choice(found)
        message = choice.get("message")
        if not isinstance(message, dict):
            raise Passing(f"no message in {self.shown(self.body)}")
        return _reply(_text(message.get("content")), found, choice.get("finish_reason"))

    def fault(self, message: str, fix: str = "") -> PolyspanError:
        """One sentence on this answer, with what came."""
        found = f"status {self.status}, {self._type or 'no type'}: {self.shown(self.body)}"
        return PolyspanError(f"the endpoint gives {message}", where=self.url, found=found, fix=fix)

    def shown(self, text: str) -> str:
        """The beginning of a text of the server on one line, without the key."""
        line = " ".join(text.split())
        line = line.replace(self.secret, "***") if self.secret else line
        return repr(line if len(line) <= 160 else line[:160] + " …")

    @property
    def _type(self) -> str:
        return str(self.headers.get("content-type", "")).partition(";")[0].strip().lower()

    @property
    def _is_page(self) -> bool:
        return "html" in self._type or self.body.lstrip().startswith("<")

    def _refusal(self) -> PolyspanError | Passing:
        if self.status in _AGAIN or self.status >= 500:
            return Passing(f"status {self.status}: {self.shown(self.body)}", self._retry_after())
        if self.status in _REFUSED:
            have = "check" if self.secret else "none is set: put it into"
            return self.fault("no answer without a right key", f"{have} POLYSPAN_LLM_KEY (or OPENAI_API_KEY)")
        if 300 <= self.status < 400:
            to = self.headers.get("location", "nowhere")
            return self.fault(f"another address, {to}, to which nothing is sent", "name that one, if it is right")
        if self.status == 404:
            return self.fault("nothing there", "check the address (…/v1 is usual) and the model's name")
        return self.fault("a refusal", "what a model does not take can be changed with --body")

    def _retry_after(self) -> float | None:
        given = str(self.headers.get("retry-after", "")).strip()
        try:
            seconds = float(given)
        except ValueError:
            try:
                seconds = parsedate_to_datetime(given).timestamp() - time()
            except ValueError:
                return None
        return min(max(seconds, 0.0), _LONGEST_WAIT) if seconds == seconds else None

    def _json(self, text: str) -> dict[str, Any]:
        try:
            found = json.loads(text)
        except ValueError:
            raise Passing(f"no whole JSON: {self.shown(text)}") from None
        if not isinstance(found, dict):
            raise Passing(f"no JSON object: {self.shown(text)}")
        return found

    def _choice(self, found: dict[str, Any]) -> dict[str, Any]:
        choices = found.get("choices")
        if not (isinstance(choices, list) and choices and isinstance(choices[0], dict)):
            raise Passing(f"no choices in {self.shown(json.dumps(found, ensure_ascii=False))}")
        return choices[0]

    def _streamed(self) -> LlmReply:
        """A reply in pieces, which some servers send whether asked for or not."""
        text, ended = "", None
        last: dict[str, Any] = {}
        for line in self.body.splitlines():
            if not line.startswith("data:"):
                continue
            event = line.removeprefix("data:").strip()
            if event == "[DONE]":
                ended = ended or "stop"
                continue
            found = self._json(event)
            if found.get("usage"):
                last = found
            if found.get("choices"):
                choice = self._choice(found)
                delta = choice.get("delta")
                text += _text(delta.get("content")) if isinstance(delta, dict) else ""
                ended = choice.get("finish_reason") or ended
            elif "error" in found:
                raise Passing(f"an error in its stream: {self.shown(event)}")
        if ended is None:
            raise Passing(f"a stream that breaks off after {self.shown(text)}")
        return _reply(text, last, ended)


def _reply(text: str, found: dict[str, Any], ended: Any) -> LlmReply:
    usage = found.get("usage")
    counts = [usage.get(name) if isinstance(usage, dict) else 0 for name in ("prompt_tokens", "completion_tokens")]
    prompt, made = (count if isinstance(count, int) else 0 for count in counts)
    return LlmReply(text, prompt, made, cut=ended == "length")


def _text(content: Any) -> str:
    """The text of a message, which may come in parts; a model that says nothing says ""."""
    if isinstance(content, list):
        return "".join(str(part.get("text") or "") for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""
