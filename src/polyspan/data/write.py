"""Writing a data set, whole or not at all, in the format that the file name asks for."""

import io
import json
from collections.abc import Callable
from pathlib import Path

from polyspan.data.rows import as_rows
from polyspan.data.schema import Corpus
from polyspan.data.squad import as_articles
from polyspan.errors import PolyspanError, UsageError
from polyspan.files import Source, replacing


def write(corpus: Corpus, path: Source) -> int:
    """Write a corpus as SQuAD JSON (.json) or rows (.jsonl, .csv, .tsv, .parquet), each compressed with .gz.

    `read` gives back the same content (the same `fingerprint`), but that rows have no place for a context without
    questions: returns how many such contexts were left out (KorQuAD has some). The same corpus gives the same
    bytes. Raises UsageError for another suffix, PolyspanError where the file cannot be written.
    """
    suffixes = [suffix.lower() for suffix in Path(path).suffixes]
    packed = suffixes[-1:] == [".gz"]
    kind = next(iter(suffixes[-2:-1] if packed else suffixes[-1:]), "")
    if kind not in _FORMATS:
        raise UsageError(
            f"no format goes by the suffix {kind!r}", where=str(path), expected=", ".join(_FORMATS) + " (and .gz)"
        )
    try:
        data = _FORMATS[kind](corpus)
    except UnicodeEncodeError as error:
        found = repr(error.object[error.start : error.end])
        raise PolyspanError("a text cannot be written as UTF-8", where=str(path), found=found) from error
    if packed:
        import gzip

        data = gzip.compress(data, mtime=0)
    with replacing(path) as part:
        part.write_bytes(data)
    return 0 if kind == ".json" else sum(not paragraph.questions for paragraph in corpus.paragraphs)


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
}
