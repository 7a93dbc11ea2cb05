"""How often the paragraph that answers is among the best passages, and what reading those leaves of the answers.

`python -m polyspan.bench.retrieval docs/retrieval --reader bundled:reader` writes `recall.csv` and, with a Reader,
`reading.csv`, and prints both as tables; `--page docs/retrieval.md` puts them into the page. A corpus is one
library: XQuAD's 240 paragraphs, or the mini corpus' 64, in English asked in each language, and in each language
asked in its own.
"""

import argparse
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from polyspan.ask.best_passage import best_passage
from polyspan.ask.ranking.index import CLEAR, Index
from polyspan.bench.material import corpus
from polyspan.bench.page_table import show, table
from polyspan.data.mini import LANGUAGES
from polyspan.data.sample import keep_ids
from polyspan.data.schema import Corpus, Paragraph, Question
from polyspan.files import csv_text, write_text
from polyspan.model.answers import AnswerOptions
from polyspan.model.reader import Reader
from polyspan.prediction import predict
from polyspan.reading import read
from polyspan.score import score

METHODS = ("bm25", "embeddings", "both", "auto")
DEPTHS = (1, 5, 20)
_ALWAYS = AnswerOptions(null_threshold=float("inf"), align_to_words=True)

Row = dict[str, Any]
Library = Mapping[str, Corpus]
"""The same questions on the same paragraphs, by language."""


def library(name: str) -> Library:
    """`xquad` in four languages, or `mini`, both its parts, in five."""
    if name == "xquad":
        return {code: corpus(f"xquad:{code}") for code in ("en", "zh", "es", "ar")}
    parts = {code: [read(f"mini:{code}/{part}") for part in ("train", "test")] for code in LANGUAGES}
    return {code: replace(a, paragraphs=a.paragraphs + b.paragraphs) for code, (a, b) in parts.items()}


def recall_rows(name: str, texts: Library, methods: Sequence[str] = METHODS) -> list[Row]:
    """For each pair of languages and each method, how many per cent of the questions have their paragraph among
    the best 1, 5 and 20; `words_alone`: how many of them `auto` ranks by words alone."""
    rows = []
    for language, asked in _pairs(texts):
        passages = [paragraph.context for paragraph in texts[language].paragraphs]
        questions = [question.text for _, question in texts[asked].questions()]
        right = [number for number, part in enumerate(texts[asked].paragraphs) for _ in part.questions]
        for method in methods:
            index = Index(passages, method, f"embedding {name}:{language}")  # type: ignore[arg-type]
            best = index.best_of_each(questions, max(DEPTHS))
            place = np.array([[*some, one].index(one) for some, one in zip(best, right, strict=True)])
            found = {f"recall_{depth}": _percent(place < depth) for depth in DEPTHS}
            row = {"library": name, "texts": language, "questions": asked, "method": method, "n": len(questions)}
            clear = Index(passages, "bm25").scores(questions).max(axis=1) >= CLEAR if method == "auto" else None
            rows.append(row | found | {"words_alone": None if clear is None else _percent(clear)})
    return rows


def reading_rows(name: str, texts: Library, reader: Reader, size: int) -> list[Row]:
    """For English texts asked in each language: EM and F1 of `size` questions with the right paragraph given, and
    with the best span of the best 20 that `auto` finds."""
    rows = []
    for language, asked in _pairs(texts):
        if language != "en":
            continue
        passages = [paragraph.context for paragraph in texts[language].paragraphs]
        everything = [
            (number, question)
            for number, part in enumerate(texts[asked].paragraphs)
            for question in part.questions
        ]
        drawn = np.random.default_rng(0).permutation(len(everything))[:size]
        right, questions = zip(*(everything[place] for place in np.sort(drawn)), strict=True)
        best = Index(passages).best_of_each([question.text for question in questions], max(DEPTHS))
        gold = keep_ids(texts[language], {question.id for question in questions})
        row: Row = {"library": name, "texts": language, "questions": asked, "n": len(questions)}
        for kind, chosen in (("given", [[number] for number in right]), ("found", best)):
            result = score(gold, _read(reader, passages, questions, chosen, texts[language].language))
            row |= {f"exact_match_{kind}": round(result.exact_match, 1), f"f1_{kind}": round(result.f1, 1)}
        rows.append(row)
    return rows


def _pairs(texts: Library) -> list[tuple[str, str]]:
    """Languages of texts and of questions: English asked in each, then each asked in its own."""
    return [*(("en", code) for code in texts), *((code, code) for code in texts if code != "en")]


def _read(
    reader: Reader,
    passages: Sequence[str],
    questions: Sequence[Question],
    chosen: Sequence[Sequence[int]],
    language: str | None,
) -> dict[str, str]:
    """The best span that each question has in its passages, which stand in their order of rank, by its id."""
    askers: dict[int, list[Question]] = {}
    for question, numbers in zip(questions, chosen, strict=True):
        for number in numbers:
            askers.setdefault(number, []).append(replace(question, id=f"{number} {question.id}", answers=()))
    paragraphs = tuple(Paragraph(passages[number], tuple(asked)) for number, asked in sorted(askers.items()))
    found = predict(reader, Corpus(paragraphs, "the passages", language), _ALWAYS).candidates
    best = {
        question.id: best_passage([found[f"{number} {question.id}"] for number in numbers], ranked=True)
        for question, numbers in zip(questions, chosen, strict=True)
    }
    return {key: one.spans[0][1].text if one.spans else "" for key, one in best.items()}


def _percent(which: Any) -> float:
    return round(100 * float(np.mean(which)), 1)


def recall_table(rows: Iterable[Mapping[str, Any]]) -> str:
    """The rows of `recall_rows` as Markdown: recall@1 / @5 / @20 by method."""
    lines: dict[tuple[str, str, str], dict[str, Mapping[str, Any]]] = {}
    for row in rows:
        lines.setdefault((row["library"], row["texts"], row["questions"]), {})[row["method"]] = row
    methods = [method for method in METHODS if any(method in line for line in lines.values())]
    body = [
        [
            *names,
            *(" / ".join(str(line[method][f"recall_{depth}"]) for depth in DEPTHS) for method in methods),
            str(line["auto"]["words_alone"]) if "auto" in line else "",
        ]
        for names, line in lines.items()
    ]
    return table(["library", "texts", "asked in", *(f"`{method}`" for method in methods), "words alone"], body)


def reading_table(rows: Iterable[Mapping[str, Any]]) -> str:
    """The rows of `reading_rows` as Markdown: EM / F1, and how much of F1 is left."""
    body = [
        [row["library"], row["texts"], row["questions"], str(row["n"])]
        + [f"{row[f'exact_match_{kind}']} / {row[f'f1_{kind}']}" for kind in ("given", "found")]
        + [f"{100 * float(row['f1_found']) / float(row['f1_given']):.0f} %" if float(row["f1_given"]) else ""]
        for row in rows
    ]
    head = ["library", "texts", "asked in", "n", "right paragraph given", "best 20 read", "F1 left"]
    return table(head, body)


def main(arguments: Sequence[str] | None = None) -> None:
    """The command: see the head of this file."""
    parser = argparse.ArgumentParser(prog="python -m polyspan.bench.retrieval", description=__doc__)
    parser.add_argument("out", type=Path, help="folder for the files")
    parser.add_argument("--library", action="append", choices=("xquad", "mini"), help="both unless named")
    parser.add_argument("--reader", help="also read, with this Reader")
    parser.add_argument("--dtype", default="fp32", choices=("fp32", "bf16"), help="what it reads in (fp32)")
    parser.add_argument("--questions", type=int, default=50, help="questions read for each language (50)")
    parser.add_argument("--page", type=Path, help="a page whose tables of the same kind are to be these")
    options = parser.parse_args(arguments)
    libraries = {name: library(name) for name in options.library or ("xquad", "mini")}
    recalled = [row for name, texts in libraries.items() for row in recall_rows(name, texts)]
    write_text(options.out / "recall.csv", csv_text(recalled))
    show(recall_table(recalled), options.page, "recall")
    if options.reader:
        reader = Reader.load(options.reader, dtype=options.dtype)
        rows = [
            row
            for name, texts in libraries.items()
            for row in reading_rows(name, texts, reader, options.questions)
        ]
        write_text(options.out / "reading.csv", csv_text(rows))
        show(reading_table(rows), options.page, "reading")


if __name__ == "__main__":
    main()
