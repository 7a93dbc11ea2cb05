"""Parquet: rows as pandas and the Hugging Face hub keep them. Needs pyarrow."""

import io

from polyspan.data.formats.format import Format
from polyspan.data.formats.parsed import Parsed
from polyspan.data.formats.rows import as_rows, parse_rows
from polyspan.data.schema import Corpus
from polyspan.errors import PolyspanError


def _parse(data: bytes, parsed: Parsed) -> None:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise PolyspanError(
            "reading Parquet needs pyarrow", where=parsed.file, fix="pip install pyarrow"
        ) from error
    try:
        rows = pq.read_table(pa.BufferReader(data)).to_pylist()
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
        found = str(error).splitlines()[0] if str(error) else type(error).__name__
        parsed.fault("", "", "wrong-type", found, "a whole Parquet file", "copy or download the file again")
        return
    parse_rows(rows, parsed)
    # pandas gives whole numbers a point where the column has a gap.
    parsed.odd_starts.clear()


def _write(corpus: Corpus) -> bytes:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise PolyspanError("writing Parquet needs pyarrow", fix="pip install pyarrow") from error
    rows = list(as_rows(corpus))
    answers = pa.struct([("text", pa.list_(pa.string())), ("answer_start", pa.list_(pa.int64()))])
    kinds = {"answers": answers, "is_impossible": pa.bool_(), "paragraph": pa.int64()}
    columns = list(rows[0]) if rows else ["id", "title", "context", "question", "answers"]
    schema = pa.schema([(name, kinds.get(name, pa.string())) for name in columns])
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), sink)
    return sink.getvalue()


PARQUET = Format(
    "parquet",
    (".parquet",),
    _parse,
    _write,
    recognise=lambda data: data.startswith(b"PAR1") or None,
    binary=True,
)
