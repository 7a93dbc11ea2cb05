"""Writing a data set, whole or not at all, in the format that the file name asks for."""

from pathlib import Path
from typing import IO, cast

from polyspan.data.formats.format import Format, pieces, written
from polyspan.data.schema import Corpus
from polyspan.errors import PolyspanError, UsageError, choose
from polyspan.files import Source, replacing


def write(corpus: Corpus, path: Source, format: str | None = None) -> int:
    """Write a corpus in the format whose suffix the file has, compressed where `.gz` follows it; a corpus of
    contexts alone as plain text, a context a line.

    `format` names the same format, and must agree with the suffix; but with `csv` or `tsv` the file is one for a
    spreadsheet: a byte order mark, by which Excel knows UTF-8, and the first answer in columns of its own, before
    `answers` where a question has several.

    `read` gives back the same content (the same `fingerprint`), but that rows have no place for a context without
    questions: returns how many such contexts were left out (KorQuAD has some). The same corpus gives the same
    bytes. Raises UsageError for another suffix, and for contexts alone in any other format than text,
    PolyspanError where the file cannot be written.
    """
    suffixes = [suffix.lower() for suffix in Path(path).suffixes]
    packed = suffixes[-1:] == [".gz"]
    kind = _format(path, next(iter(suffixes[-2:-1] if packed else suffixes[-1:]), ""), format)
    if not (format and kind.sheet):  # a sheet for people has a place for all
        _require_place(corpus, path, kind)
    render = (format and kind.sheet) or kind.write
    assert render is not None  # of those that are `written`
    try:
        content = pieces(render(corpus))
        with replacing(path) as part, open(part, "wb") as raw, _packing(raw) if packed else raw as file:
            for piece in content:
                file.write(piece)
    except UnicodeEncodeError as error:
        found = repr(error.object[error.start : error.end])
        raise PolyspanError("a text cannot be written as UTF-8", where=str(path), found=found) from error
    bare = sum(not paragraph.questions for paragraph in corpus.paragraphs)
    return bare if kind.holds == "questions" else 0


def _packing(file: IO[bytes]) -> IO[bytes]:
    """What writes to a file packed, with no name and no time in it."""
    import gzip

    return cast(IO[bytes], gzip.GzipFile("", "wb", fileobj=file, mtime=0))


def _format(path: Source, suffix: str, name: str | None) -> Format:
    """The format of a suffix, which is to be the one of the name, where there is one."""
    there = written()
    if suffix not in there:
        expected = ", ".join(there) + " (and .gz)"
        raise UsageError(f"no format goes by the suffix {suffix!r}", where=str(path), expected=expected)
    if name is not None and there[suffix].name != name:
        suffixes = {format.name: ending for ending, format in reversed(there.items())}
        choose("format", name, suffixes)
        fix = f"--out {Path(path).stem}{suffixes[name]}"
        raise UsageError(f"the name of the file is not one of {name}", where=str(path), fix=fix)
    return there[suffix]


def _require_place(corpus: Corpus, path: Source, format: Format) -> None:
    """Raise UsageError for questions in a format of contexts alone, and the other way round."""
    if len(corpus) and format.holds == "contexts":
        message, found, other = f"{format.name} has no place for questions", f"{len(corpus):,} questions", True
    elif corpus.paragraphs and not len(corpus) and format.holds != "contexts":
        message, found, other = "a data set needs questions, and these are contexts alone", "", False
    else:
        return
    fitting = [suffix for suffix, each in written().items() if (each.holds != "contexts") is other]
    fix = " or ".join(f"--out {Path(path).stem}{suffix}" for suffix in fitting[:2])
    raise UsageError(message, where=str(path), found=found, fix=fix)
