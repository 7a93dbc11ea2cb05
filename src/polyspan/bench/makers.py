"""Turns of the makers of artificial corpora: recovery beside fuzzysearch, the others in words a second."""

import os
import random
import time
from importlib import import_module
from pathlib import Path
from typing import Any

from polyspan.bench.material import questions
from polyspan.make.codeswitching.codeswitching import codeswitch
from polyspan.make.dictionary import read_dictionary
from polyspan.make.permutation import permute
from polyspan.make.recover.recover import find_span
from polyspan.make.reordering.conllu import read_conllu
from polyspan.make.reordering.typology import linearise

_CALLS = 8  # fuzzysearch takes a fifth of a second a call


def recover(turn: int) -> dict[str, Any]:
    """English answers of 6 to 20 characters with some edits, found again at the paper's bound by both sides.

    `worse` counts those for which ours is not the nearest span.
    """
    find_near_matches = import_module("fuzzysearch").find_near_matches
    generator = random.Random(turn)
    pairs = [
        (paragraph.context, _altered(question.answers[0].text, generator))
        for paragraph, question in questions("xquad:en", 200, turn).questions()
        if 6 <= len(question.answers[0].text) <= 20
    ][:_CALLS]
    began = time.perf_counter()
    ours = [find_span(context, text, policy="paper_min") for context, text in pairs]
    middle = time.perf_counter()
    theirs = [find_near_matches(text, context, max_l_dist=min(10, len(text) - 1)) for context, text in pairs]
    ended = time.perf_counter()
    nearest = [min((match.dist for match in matches), default=99) for matches in theirs]
    worse = sum(
        span is None or span.distance > best for span, best in zip(ours, nearest, strict=True) if best < 99
    )
    return {"ours": (middle - began) / len(pairs), "peer": (ended - middle) / len(pairs), "worse": worse}


def _altered(text: str, generator: random.Random) -> str:
    letters = list(text)
    for _ in range(-(-len(letters) // 6)):
        letters[generator.randrange(len(letters))] = generator.choice("abcdefghij ")
    return "".join(letters)


def permute_words(turn: int) -> float:
    """Words a second exchanged in a corpus, card and hashes included."""
    corpus = questions("xquad:en", 400, turn)
    began = time.perf_counter()
    made = permute(corpus, seed=turn)
    return float(sum(made.counts["tokens"].values())) / (time.perf_counter() - began)


def codeswitch_words(turn: int) -> float:
    """Words a second looked up and replaced, the dictionary read before; the mini corpus' word list."""
    from polyspan.data.mini import dictionary

    words = read_dictionary(dictionary("fr"))
    corpus = questions("xquad:en", 400, turn)
    began = time.perf_counter()
    made = codeswitch(corpus, words, "fr", seed=turn)
    seconds = time.perf_counter() - began
    return float(sum(part["words"] for part in made.counts["switched"].values())) / seconds


def reorder_words(turn: int) -> float | None:
    """Words a second put into another order, parse excluded, on UD English-EWT; None where it is not at hand."""
    found = sorted(Path(os.environ.get("POLYSPAN_DATA") or "/nowhere").rglob("en_ewt-ud-dev.conllu"))
    if not found:
        return None
    sentences = read_conllu(found[0])
    began = time.perf_counter()
    for sentence in sentences:
        linearise(sentence, ("sov", "ovs", "vso")[turn % 3])
    return sum(len(sentence.tokens) for sentence in sentences) / (time.perf_counter() - began)
