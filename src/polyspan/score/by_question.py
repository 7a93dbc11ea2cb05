"""What a file says of questions by their id: one JSON object, and numbers in it that can be trusted."""

import math
import os
from collections import Counter
from collections.abc import Collection, Mapping
from functools import partial
from numbers import Real

from polyspan.errors import PolyspanError, shorten


def read_object(path: str | os.PathLike[str], what: str, expected: str) -> object:
    """The JSON value in a file; `what` names in the plural what it holds of questions.

    Raises PolyspanError if the file cannot be read, is empty, is no JSON, or has a key twice.
    """
    import json

    from polyspan.files import explained

    where = str(path)
    with explained(path, "read"):
        if (found := _streamed(path, what)) is not None:
            return found
        with open(path, "rb") as file:
            content = file.read()
    if not content.strip():
        raise PolyspanError(f"the {what} file is empty", where=where, expected=expected)
    try:
        return json.loads(content.decode("utf-8-sig"), object_pairs_hook=partial(_unique, what))
    except UnicodeDecodeError as error:
        raise PolyspanError(
            f"the {what} file is not UTF-8", where=f"{where}, byte {error.start}", expected=expected
        ) from error
    except (ValueError, RecursionError) as error:
        raise PolyspanError(
            f"the {what} file is not valid JSON", where=where, found=str(error), expected=expected
        ) from error
    except PolyspanError as error:
        error.where = where
        raise


def _streamed(path: str | os.PathLike[str], what: str) -> dict[str, object] | None:
    """The JSON object in a file, without the text of all of it in memory; None where there is anything else."""
    import json

    from polyspan.data.formats.format import Irregular
    from polyspan.data.formats.json_stream import JsonStream

    decode = json.JSONDecoder(object_pairs_hook=partial(_unique, what)).raw_decode
    found: dict[str, object] = {}
    with open(path, encoding="utf-8-sig", newline="") as file:
        stream = JsonStream(file, decode)
        try:
            for name in stream.members():
                if name in found:
                    return None
                found[name] = stream.value()
            return None if stream.peek() else found
        except (Irregular, UnicodeDecodeError, PolyspanError):
            return None


def check_numbers(
    values: object,
    ids: Collection[str] | None,
    what: str,
    *,
    bounds: tuple[float, float] = (-math.inf, math.inf),
    where: str = "",
    fix: str = "",
) -> dict[str, float]:
    """The number of each id, in the order of `values`; those of other ids are left out, unless `ids` is None.

    Raises PolyspanError with a count and the first id where a number is lacking, is none, is not finite or is out
    of bounds; `what` names the numbers in the plural.
    """
    expected = 'one JSON object {"question id": number, …}'
    if not isinstance(values, Mapping):
        found = f"{type(values).__name__}: {shorten(values)}"
        raise PolyspanError(
            f"{what} are given by question id", where=where, found=found, expected=expected, fix=fix
        )
    ids = list(values) if ids is None else ids
    if lacking := [name for name in ids if name not in values]:
        raise PolyspanError(
            f"{what} are lacking for {len(lacking)} of {len(ids)} questions",
            where=where,
            found=f"nothing for {lacking[0]!r}",
            expected="a number for every question that is scored",
            fix="take them from the run that made the predictions",
        )
    asked = set(ids)
    wanted = {name: value for name, value in values.items() if name in asked}
    if wrong := [name for name, value in wanted.items() if not _within(value, *bounds)]:
        limits = "" if bounds == (-math.inf, math.inf) else f" from {bounds[0]:g} to {bounds[1]:g}"
        raise PolyspanError(
            f"{what} of {len(wrong)} of {len(ids)} questions are no finite numbers{limits}",
            where=where,
            found=f"{wrong[0]!r}: {shorten(wanted[wrong[0]])}",
            expected=expected,
            fix=fix,
        )
    return {name: float(value) for name, value in wanted.items()}


def is_nbest(value: object) -> bool:
    """Whether it is what `predict --nbest` writes for a question: a list of candidates, best first."""
    return isinstance(value, list) and bool(value) and isinstance(value[0], Mapping) and "text" in value[0]


def _within(value: object, low: float, high: float) -> bool:
    if isinstance(value, bool) or not isinstance(value, Real):
        return False
    try:
        return math.isfinite(value) and low <= float(value) <= high
    except OverflowError:  # a whole number beyond all floats
        return False


def _unique(what: str, pairs: list[tuple[str, object]]) -> dict[str, object]:
    value = dict(pairs)
    if len(value) < len(pairs):
        twice = Counter(name for name, _ in pairs).most_common(1)[0][0]
        raise PolyspanError(f"the id {twice!r} has two {what}", expected="each id once")
    return value
