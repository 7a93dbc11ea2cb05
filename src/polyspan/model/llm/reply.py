"""What a language model replies to a prompt, and the answer in it."""

import re
from dataclasses import dataclass

Message = dict[str, str]
"""`{"role": "user" or "assistant", "content": text}`."""
Prompt = tuple[Message, ...]
"""The turns of a conversation, the model's being the next."""

_THOUGHT = re.compile(r"<think>.*?(</think>|\Z)", re.DOTALL)
_QUOTES = {'"': '"', "'": "'", "`": "`", "“": "”", "„": "“", "«": "»", "「": "」", "『": "』", "‘": "’"}


@dataclass(frozen=True, slots=True)
class LlmReply:
    """The whole text, the tokens of prompt and text (0 where an endpoint does not count them), and whether the
    text was cut off at the limit of tokens."""

    text: str
    prompt_tokens: int = 0
    reply_tokens: int = 0
    cut: bool = False


def said(text: str) -> str:
    """The answer that a reply holds: its first line with something on it, without what a model thinks aloud and
    without quotation marks round the whole."""
    lines = (line.strip() for line in _THOUGHT.sub("", text).splitlines())
    line = next((line for line in lines if line), "")
    while len(line) > 2 and _QUOTES.get(line[0]) == line[-1]:
        line = line[1:-1].strip()
    return line
