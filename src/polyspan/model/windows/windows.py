"""Windows: what the encoder reads, a question and a stretch of its context, cut from ids in flat arrays.

Every context and every question is tokenised once; a window is a row of integers that points into their pieces.
Sources: google-research/bert `run_squad.py` (step, labels, `[CLS]` for answers outside), transformers `run_qa.py`
(overlap, labels by offsets).
"""

import contextlib
import hashlib
import io
import itertools
import json
import struct
import zipfile
import zlib
from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from polyspan.data.cache import Shelf
from polyspan.data.schema import Corpus, Question
from polyspan.errors import PolyspanError, UsageError, choose, shorten
from polyspan.model.windows.labels import NO_ANSWER, label_spans
from polyspan.model.windows.tokens import Ints, Tokens, join_tokens, tokenise

_COLUMNS = ("paragraph", "question", "first", "length", "label_start", "label_end")
_COUNTS = ("skipped", "negatives")
_FORMAT = 4  # raise it when the same options would give other windows: cached ones are then made again


@dataclass(frozen=True, slots=True)
class WindowOptions:
    """How contexts are cut. The defaults are those of BERT's `run_squad.py`, but for the labels."""

    max_length: int = 384
    """Pieces in a window, with the question and the special tokens."""
    stride: int = 128
    """How far windows are apart, as `stride_as` says."""
    stride_as: Literal["step", "overlap"] = "step"
    """`step`: from one window's start to the next one's (BERT). `overlap`: shared pieces (transformers)."""
    max_question_length: int = 64
    """Pieces of the question that are kept."""
    long_question: Literal["truncate", "error"] = "truncate"
    """What becomes of a longer question."""
    label: Literal["offsets", "first_match"] = "offsets"
    """`first_match` imitates BERT's `run_squad.py`: the first place where the answer's pieces stand."""
    negatives: Literal["all", "some", "none"] = "all"
    """Training windows that do not hold the answer which their context has: they point to `Layout.null`
    (`all`, as BERT's script has it), but for one a question are left out (`some`), or all are (`none`)."""

    def __post_init__(self) -> None:
        choose("stride_as", self.stride_as, ("step", "overlap"))
        choose("long_question", self.long_question, ("truncate", "error"))
        choose("label", self.label, ("offsets", "first_match"))
        choose("negatives", self.negatives, ("all", "some", "none"))
        for name in ("max_length", "stride", "max_question_length"):
            if getattr(self, name) < 1:
                raise UsageError(f"{name} must be at least 1", found=str(getattr(self, name)))


def saved_options(saved: Mapping[str, Any]) -> WindowOptions:
    """Options that were written down as JSON, by older versions too. Raises TypeError for what is none."""
    given = dict(saved)
    if "outside" in given:  # what `negatives` was called before 0.2
        given["negatives"] = {"cls": "all", "drop": "none"}.get(given.pop("outside"))
    return WindowOptions(**given)


@dataclass(frozen=True, slots=True)
class Layout:
    """How a tokenizer joins a question and a context: ids of special tokens, and token types where it has them.

    `null` is the piece that stands for "not in this window": the first one, [CLS] or the like, or the last, which
    has seen the whole window where pieces see only what stands before them.
    """

    prefix: tuple[int, ...]
    middle: tuple[int, ...]
    suffix: tuple[int, ...]
    types: tuple[int, int, int, int, int] | None
    pad: int
    null: Literal["first", "last"] = "first"

    @property
    def special(self) -> int:
        """Number of special tokens in a window."""
        return len(self.prefix) + len(self.middle) + len(self.suffix)


@dataclass(frozen=True, slots=True)
class Windows:
    """All windows of a corpus, a row each: int32 columns, ordered by question.

    `paragraph` and `question` number the texts in file order; `first` and `length` say which pieces of the
    context the window holds; `label_start` and `label_end` are positions among those (−1: not here).
    `skipped` counts the questions that training leaves out, by reason; `negatives` its windows without an answer:
    those of `unanswerable` questions, those `outside` of an answer, and those of the latter that were `left_out`.
    """

    contexts: Tokens
    questions: Tokens
    paragraph: Ints
    question: Ints
    first: Ints
    length: Ints
    label_start: Ints
    label_end: Ints
    skipped: dict[str, int]
    negatives: dict[str, int]
    max_question_length: int

    def __len__(self) -> int:
        return len(self.question)

    def question_length(self) -> Ints:
        """Pieces of the question in each window."""
        lengths = np.minimum(np.diff(self.questions.pointers), self.max_question_length)
        return lengths[self.question].astype(np.int32)


def layout(tokenizer: Any) -> Layout:
    """Read the layout off an encoded pair.

    A tokenizer that puts nothing between the two, as many a decoder's, gets its separator there or a line break,
    and one that puts nothing behind them its end of text. Without a special token in front that end is `null`.
    The tokenizer of an exported Reader has it written down.
    """
    if isinstance(known := getattr(tokenizer, "layout", None), Layout):
        return known
    pair = tokenizer("a", "b")
    sequences = np.array([-1 if part is None else part for part in pair.sequence_ids()])
    ids, types = pair["input_ids"], pair.get("token_type_ids")
    first, second = np.flatnonzero(sequences == 0), np.flatnonzero(sequences == 1)
    a, b, c, d = first[0], first[-1] + 1, second[0], second[-1] + 1
    pad, end = tokenizer.pad_token_id, tokenizer.eos_token_id
    suffix = tuple(ids[d:]) or (() if end is None else (end,))
    return Layout(
        prefix=tuple(ids[:a]),
        middle=tuple(ids[b:c]) or _break(tokenizer),
        suffix=suffix,
        types=None
        if types is None
        else (types[0], types[a], types[b] if b < c else types[a], types[c], types[-1]),
        pad=pad if pad is not None else 0,
        null="last" if a == 0 and suffix else "first",
    )


def _break(tokenizer: Any) -> tuple[int, ...]:
    """What parts a question from its context where the tokenizer has nothing for it."""
    if tokenizer.sep_token_id is not None:
        return (tokenizer.sep_token_id,)
    return tuple(tokenizer("\n", add_special_tokens=False)["input_ids"])


def make_windows(corpus: Corpus, tokenizer: Any, options: WindowOptions, *, training: bool = False) -> Windows:
    """Cut a corpus into windows; with `training`, only questions with an answer to learn, labelled.

    Raises PolyspanError for a question that leaves no room for the context.
    """
    contexts = tokenise([paragraph.context for paragraph in corpus.paragraphs], tokenizer)
    asked = [question.text.strip() for _, question in corpus.questions()]
    questions = tokenise(asked, tokenizer, places=False)
    return cut_windows(corpus, contexts, questions, layout(tokenizer), options, training, tokenizer)


def cached_windows(corpus: Corpus, tokenizer: Any, options: WindowOptions, *, training: bool = False) -> Windows:
    """`make_windows`, kept in polyspan's cache under a hash of the content, the tokenizer and the options."""
    tokenizer.backend_tokenizer.no_truncation()
    tokenizer.backend_tokenizer.no_padding()  # else the same tokenizer has two keys
    key = hashlib.sha256()
    shape = json.dumps(asdict(layout(tokenizer)))  # of special tokens that the tokenizer's own state does not name
    for part in (corpus.fingerprint(), tokenizer.backend_tokenizer.to_str(), json.dumps(asdict(options)), shape):
        key.update(part.encode("utf-8", "surrogatepass"))
    name = f"{key.hexdigest()[:32]}-{'train' if training else 'test'}-{_FORMAT}"
    kept = Shelf("windows")
    with contextlib.suppress(PolyspanError):  # a cache that cannot be used costs time, not the run
        if (cached := _unpacked(kept.get([name]).get(name, b""), options)) is not None:
            return cached
    made = make_windows(corpus, tokenizer, options, training=training)
    with contextlib.suppress(PolyspanError):
        kept.put({name: _packed(made)}, again=True)
    return made


def concatenate(parts: Sequence[Windows]) -> Windows:
    """The windows of several corpora as one, in the order given."""
    contexts, questions = (
        join_tokens([getattr(part, name) for part in parts]) for name in ("contexts", "questions")
    )
    columns: dict[str, Any] = {name: np.concatenate([getattr(part, name) for part in parts]) for name in _COLUMNS}
    for name, tokens in (("paragraph", "contexts"), ("question", "questions")):
        sizes = [len(getattr(part, tokens).pointers) - 1 for part in parts]
        shifts = np.repeat(np.cumsum([0, *sizes[:-1]]), [len(part) for part in parts])
        columns[name] = (columns[name] + shifts).astype(np.int32)
    columns |= {name: _sum(getattr(part, name) for part in parts) for name in _COUNTS}
    return Windows(contexts, questions, **columns, max_question_length=parts[0].max_question_length)


def _sum(counts: Iterable[dict[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for each in counts:
        total.update(each)
    return dict(total)


def cut_windows(
    corpus: Corpus,
    contexts: Tokens,
    questions: Tokens,
    shape: Layout,
    options: WindowOptions,
    training: bool = False,
    tokenizer: Any = None,
) -> Windows:
    """`make_windows` from the pieces of a corpus's contexts and questions; labels need the tokenizer too."""
    spans, skipped = label_spans(corpus, contexts, tokenizer, options.label) if training else ([], {})
    negatives: Counter[str] = Counter()
    lengths = np.diff(questions.pointers)
    rows = array("i")  # six numbers a window
    number = 0
    for place, paragraph in enumerate(corpus.paragraphs):
        pieces = int(contexts.pointers[place + 1] - contexts.pointers[place])
        for question in paragraph.questions:
            span = spans[number] if training else NO_ANSWER
            if span is not None:
                capacity = _capacity(int(lengths[number]), shape, options, question)
                cut = _labelled(_stretches(pieces, capacity, options), span)
                if training and span != NO_ANSWER and not any(start >= 0 for _, _, start, _ in cut):
                    skipped["answer-too-long"] = skipped.get("answer-too-long", 0) + 1
                if training:
                    cut = _chosen(cut, span == NO_ANSWER, question, options, negatives)
                for window in cut:
                    rows.extend((place, number, *window))
            number += 1
    columns: dict[str, Any] = dict(zip(_COLUMNS, np.array(rows, np.int32).reshape(-1, 6).T.copy(), strict=True))
    columns |= {"skipped": skipped, "negatives": dict(negatives)}
    return Windows(contexts, questions, **columns, max_question_length=options.max_question_length)


def _chosen(
    cut: list[tuple[int, int, int, int]],
    impossible: bool,
    question: Question,
    options: WindowOptions,
    counts: Counter[str],
) -> list[tuple[int, int, int, int]]:
    """The windows of a question that are learnt from, those without its answer counted.

    The one that `some` keeps is drawn by the question's id, so that it needs no seed.
    """
    if impossible:
        counts["unanswerable"] += len(cut)
        return cut
    outside = [place for place, window in enumerate(cut) if window[2] < 0]
    kept = outside
    if options.negatives == "none":
        kept = []
    elif options.negatives == "some" and outside:
        kept = [outside[zlib.crc32(question.id.encode("utf-8", "surrogatepass")) % len(outside)]]
    counts.update({"outside": len(kept), "left_out": len(outside) - len(kept)})
    return [window for place, window in enumerate(cut) if window[2] >= 0 or place in kept]


def _labelled(stretches: list[tuple[int, int]], span: tuple[int, int]) -> list[tuple[int, int, int, int]]:
    """(first, length, label start, label end) of each window; the label is −1 where the answer is not inside."""
    cut = []
    for first, length in stretches:
        inside = first <= span[0] and span[1] < first + length
        cut.append((first, length, *((span[0] - first, span[1] - first) if inside else NO_ANSWER)))
    return cut


def _capacity(length: int, shape: Layout, options: WindowOptions, question: Question) -> int:
    """Pieces of the context that fit beside a question."""
    kept = min(length, options.max_question_length)
    capacity = options.max_length - shape.special - kept
    too_long = length > options.max_question_length and options.long_question == "error"
    if too_long or capacity < 1 or (options.stride_as == "overlap" and capacity <= options.stride):
        raise PolyspanError(
            "the question is longer than the options allow" if too_long else "no room is left for the context",
            where=f"question {question.id}: {shorten(question.text)}",
            found=f"{length} pieces; windows of {options.max_length} with {options.stride_as} {options.stride}",
            expected=f"at most {options.max_question_length} pieces"
            if too_long
            else "room for the question and for more context than the overlap",
            fix="raise --max-question-length, or let it be truncated (--long-question truncate)"
            if too_long
            else "raise --max-length, or lower --max-question-length or --stride",
        )
    return capacity


def _stretches(pieces: int, capacity: int, options: WindowOptions) -> list[tuple[int, int]]:
    """(first piece, length) of each window on a context, until one reaches its end."""
    step = min(capacity, options.stride) if options.stride_as == "step" else capacity - options.stride
    stretches = [(0, min(capacity, pieces))]
    while sum(stretches[-1]) < pieces:
        first = stretches[-1][0] + step
        stretches.append((first, min(capacity, pieces - first)))
    return stretches


def owned(windows: Windows) -> tuple[Ints, Ints]:
    """The stretch of each window, [first, last) among its pieces, that no other window sees with more context.

    BERT's `max_context` rule: a piece belongs to the window that maximises min(left, right) + 0.01·length, ties
    to the earliest; at prediction an answer may start only in a piece that the window owns.
    """
    first, last = np.zeros(len(windows), np.int32), windows.length.copy()
    edges = np.flatnonzero(np.diff(windows.question, prepend=-1, append=-1))
    for begin, end in itertools.pairwise(edges):
        if end - begin == 1:
            continue
        pieces = int((windows.first[begin:end] + windows.length[begin:end]).max())
        best, owner = np.full(pieces, -1.0), np.zeros(pieces, np.int64)
        for row in range(begin, end):
            length = int(windows.length[row])
            own = slice(windows.first[row], windows.first[row] + length)
            left = np.arange(length)
            score = np.minimum(left, left[::-1]) + 0.01 * length
            better = score > best[own]
            best[own][better], owner[own][better] = score[better], row
        for row in range(begin, end):
            mine = np.flatnonzero(owner == row) - windows.first[row]
            first[row], last[row] = (mine[0], mine[-1] + 1) if len(mine) else (0, 0)
    return first, last


def _packed(windows: Windows) -> bytes:
    arrays: dict[str, Any] = {name: getattr(windows, name) for name in _COLUMNS}
    for name in ("contexts", "questions"):
        tokens = getattr(windows, name)
        arrays |= {f"{name}.{part}": getattr(tokens, part) for part in ("ids", "starts", "ends", "pointers")}
    file = io.BytesIO()
    arrays |= {name: np.array(json.dumps(getattr(windows, name))) for name in _COUNTS}
    np.savez(file, **arrays)
    return file.getvalue()


def _unpacked(packed: bytes, options: WindowOptions) -> Windows | None:
    """The cached windows, or None where there are none or they are damaged (they are then made again)."""
    try:
        with np.load(io.BytesIO(packed), allow_pickle=False) as arrays:
            contexts, questions = (
                Tokens(*(arrays[f"{name}.{part}"] for part in ("ids", "starts", "ends", "pointers")))
                for name in ("contexts", "questions")
            )
            columns: dict[str, Any] = {name: arrays[name] for name in _COLUMNS}
            columns |= {name: json.loads(str(arrays[name])) for name in _COUNTS}
    except (OSError, ValueError, KeyError, EOFError, NotImplementedError, struct.error, zipfile.BadZipFile):
        return None
    return Windows(contexts, questions, **columns, max_question_length=options.max_question_length)
