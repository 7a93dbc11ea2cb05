"""Writing a data set, whole or not at all, in the format that the file name asks for."""

import io
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

from polyspan.data.formats.lines import as_lines
from polyspan.data.formats.rows import as_rows
from polyspan.data.formats.squad import as_articles
from polyspan.data.schema import Corpus
from polyspan.errors import PolyspanError, UsageError, choose
from polyspan.files import Source, replacing


def write(corpus: Corpus, path: Source, format: str | None = None) -> int:
    """Write a corpus as SQuAD JSON (.json) or rows (.jsonl, .csv, .tsv, .parquet), each compressed with .gz; a
    corpus of contexts alone as plain text (.txt), a context a line.

    `format` says the same as the suffix, and must agree with it; but with `csv` or `tsv` the file is one for a
    spreadsheet: a byte order mark, by which Excel knows UTF-8, and the first answer in columns of its own, before
    `answers` where a question has several.

    `read` gives back the same content (the same `fingerprint`), but that rows have no place for a context without
    questions: returns how many such contexts were left out (KorQuAD has some). The same corpus gives the same
    bytes. Raises UsageError for another suffix, and for contexts alone in any other format than text,
    PolyspanError where the file cannot be written.
    """
    suffixes = [suffix.lower() for suffix in Path(path).suffixes]
    packed = suffixes[-1:] == [".gz"]
    kind = next(iter(suffixes[-2:-1] if packed else suffixes[-1:]), "")
    if kind not in _FORMATS:
        raise UsageError(
            f"no format goes by the suffix {kind!r}", where=str(path), expected=", ".join(_FORMATS) + " (and .gz)"
        )
    if format is not None and f".{format}" != kind:
        choose("format", format, [name[1:] for name in _FORMATS])
        raise UsageError(
            f"the name of the file is not one of {format}",
            where=str(path),
            fix=f"--out {Path(path).stem}.{format}",
        )
    if corpus.paragraphs and not len(corpus) and kind != ".txt":
        raise UsageError(
            "a data set needs questions, and these are contexts alone",
            where=str(path),
            fix=f"--out {Path(path).stem}.txt",
        )
    try:
        data = _SHEETS[format](corpus) if format in _SHEETS else _FORMATS[kind](corpus)
    except UnicodeEncodeError as error:
        found = repr(error.object[error.start : error.end])
        raise PolyspanError("a text cannot be written as UTF-8", where=str(path), found=found) from error
    if packed:
        import gzip

        data = gzip.compress(data, mtime=0)
    with replacing(path) as part:
        part.write_bytes(data)
    return 0 if kind in (".json", ".txt") else sum(not paragraph.questions for paragraph in corpus.paragraphs)


def _json(corpus: Corpus) -> bytes:
    return json.dumps(as_articles(corpus), ensure_ascii=False).encode() + b"\n"


def _lines(corpus: Corpus) -> bytes:
    return b"".join(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in as_rows(corpus))


def _csv(corpus: Corpus, delimiter: str = ",") -> bytes:
    import csv

    rows = as_rows(corpus)
    columns = list(rows[0]) if rows else ["id", "title", "context", "question", "answers"]
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, delimiter=delimiter, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writeheader()
    for row in rows:
        writer.writerow({**row, "answers": json.dumps(row["answers"], ensure_ascii=False)})
    return text.getvalue().encode()


def _tsv(corpus: Corpus) -> bytes:
    return _csv(corpus, "\t")


def _sheet(corpus: Corpus, delimiter: str = ",") -> bytes:
    import csv

    rows = as_rows(corpus)
    several = any(len(row["answers"]["text"]) > 1 for row in rows)
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\r\n")
    others = [name for name in (rows[0] if rows else ()) if name not in ("question", "context", "answers")]
    columns = ["question", "context", "answer", "answer_start", *(others or ["id", "title"])]
    writer.writerow(columns + ["answers"] * several)
    for row in rows:
        answers = row["answers"]
        first = {"answer": answers["text"][:1], "answer_start": answers["answer_start"][:1]}
        row |= {name: value[0] if value else "" for name, value in first.items()}
        writer.writerow([row[name] for name in columns] + [json.dumps(answers, ensure_ascii=False)] * several)
    return text.getvalue().encode("utf-8-sig")


def _parquet(corpus: Corpus) -> bytes:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise PolyspanError("writing Parquet needs pyarrow", fix="pip install pyarrow") from error
    rows = as_rows(corpus)
    answers = pa.struct([("text", pa.list_(pa.string())), ("answer_start", pa.list_(pa.int64()))])
    kinds = {"answers": answers, "is_impossible": pa.bool_(), "paragraph": pa.int64()}
    columns = list(rows[0]) if rows else ["id", "title", "context", "question", "answers"]
    schema = pa.schema([(name, kinds.get(name, pa.string())) for name in columns])
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), sink)
    return sink.getvalue()


_FORMATS: dict[str, Callable[[Corpus], bytes]] = {
    ".json": _json,
    ".jsonl": _lines,
    ".csv": _csv,
    ".tsv": _tsv,
    ".parquet": _parquet,
    ".txt": as_lines,
}
_SHEETS: dict[str | None, Callable[[Corpus], bytes]] = {"csv": _sheet, "tsv": partial(_sheet, delimiter="\t")}
