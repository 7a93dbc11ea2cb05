"""Values as Python, NumPy and pandas print them, and leave them in a CSV; nothing is evaluated."""

import ast
import re
from typing import Any

_TOKEN = re.compile(
    r"""\s*(?:(?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
    |(?P<number>[-+]?[0-9]+(?:\.[0-9]*)?(?:e[-+]?[0-9]+)?(?![\w.]))
    |(?P<name>[A-Za-z_][\w.]*)
    |(?P<mark>[][(){}:,=]))""",
    re.VERBOSE | re.DOTALL,
)
_CONSTANTS = {"None": None, "nan": None, "NaN": None, "null": None, "NaT": None, "True": True, "False": False}
_WRAPPERS = re.compile(r"(?:\w+\.)*(?:array|asarray|list|tuple|tensor|str_|u?int\d*|float\d*)")
_ESCAPES = frozenset("\\'\"nrtabfvxuU")  # what `repr` writes, and C
_CLOSING = {"[": "]", "(": ")"}


def from_printed(text: str) -> Any:
    """The value of `{'text': array(['a'], dtype=object), 'answer_start': [np.int64(3)]}` and its kin.

    Dicts, lists, tuples, texts, numbers and NumPy's wrappers around them; NumPy leaves out the commas of a list
    that it prints by itself: `['a' 'b']`. Raises ValueError for anything else, an array cut short by `...` too.
    """
    tokens: list[tuple[str, str]] = []
    place, end = 0, len(text.rstrip())
    while place < end:
        match = _TOKEN.match(text, place)
        if match is None or match.lastgroup is None:
            raise ValueError(f"no printed value at character {place}")
        tokens.append((match.lastgroup, match[match.lastgroup]))
        place = match.end()
    tokens.append(("end", ""))
    tokens.reverse()
    value = _value(tokens)
    if tokens[-1][0] != "end":
        raise ValueError("more than one printed value")
    return value


def _value(tokens: list[tuple[str, str]]) -> Any:
    """The next value; `tokens` are what is still to be read, the next one last."""
    kind, token = tokens.pop()
    if kind == "text":
        return _text(token)
    if kind == "number":
        return float(token) if re.search("[.e]", token) else int(token)
    if token in _CLOSING:
        return _items(tokens, _CLOSING[token])
    if token == "{":
        return _pairs(tokens)
    if token in _CONSTANTS:
        return _CONSTANTS[token]
    if _WRAPPERS.fullmatch(token) and _next(tokens, "("):
        return _items(tokens, ")")[0]
    raise ValueError(f"no printed value: {token!r}")


def _text(token: str) -> str:
    if not _ESCAPES.issuperset(re.findall(r"\\(.)", token, re.DOTALL)):
        raise ValueError("a backslash that begins no escape")
    try:
        return str(ast.literal_eval(token))
    except SyntaxError as error:  # a line break, or half an escape
        raise ValueError(str(error)) from error


def _items(tokens: list[tuple[str, str]], closing: str) -> list[Any]:
    items: list[Any] = []
    while not _next(tokens, closing):
        if len(tokens) > 1 and tokens[-1][0] == "name" and tokens[-2][1] == "=":
            del tokens[-2:]
            if tokens.pop()[0] not in ("name", "text"):  # dtype=object, dtype='<U9'
                raise ValueError("an argument that is not a type")
        else:
            items.append(_value(tokens))
        _next(tokens, ",")
    if not items and closing == ")":
        raise ValueError("nothing in round brackets")
    return items


def _pairs(tokens: list[tuple[str, str]]) -> dict[Any, Any]:
    pairs: dict[Any, Any] = {}
    while not _next(tokens, "}"):
        key = _value(tokens)
        if not isinstance(key, str) or key in pairs or not _next(tokens, ":"):
            raise ValueError("a dict's keys are texts, each once")
        pairs[key] = _value(tokens)
        _next(tokens, ",")
    return pairs


def _next(tokens: list[tuple[str, str]], mark: str) -> bool:
    """Whether the next token is this mark; if so it is taken."""
    if tokens[-1] != ("mark", mark):
        return False
    tokens.pop()
    return True
