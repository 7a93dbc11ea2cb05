"""A tokenizer with some of its pieces: its JSON form, cut and numbered anew."""

import copy
import itertools
import json
import re
from collections.abc import Sequence
from typing import Any

from tokenizers import Tokenizer

from polyspan.data.schema import Corpus
from polyspan.model.windows.tokens import Tokens


def texts_of(corpora: Sequence[Corpus]) -> list[str]:
    """All contexts and questions, each once, in order."""
    texts: dict[str, None] = {}
    for corpus in corpora:
        for paragraph in corpus.paragraphs:
            texts[paragraph.context] = None
            texts.update((question.text.strip(), None) for question in paragraph.questions)
    return list(texts)


def pieces_behind(texts: Sequence[str], tokens: Tokens, tokenizer: Any) -> set[int]:
    """Pieces that a tokenizer needs to cut these texts as it does, though they are not in the result."""
    state = json.loads(tokenizer.backend_tokenizer.to_str())
    kind, vocabulary = state["model"]["type"], tokenizer.get_vocab()
    if kind == "BPE":
        return _merged_on_the_way(state["model"], vocabulary, set(tokens.ids.tolist()))
    if kind == "WordPiece":
        return _tried_in_unknown_words(texts, tokens, tokenizer, vocabulary)
    if kind == "Unigram":  # the score of an unknown character follows the lowest one of all pieces
        scores = [score for _, score in state["model"]["vocab"]]
        return {scores.index(min(scores))}
    return set()


def keep_pieces(tokenizer: Any, kept: set[int]) -> tuple[Any, dict[int, int]]:
    """The tokenizer with the pieces numbered in `kept` and its special tokens, and old number → new number.

    The order of the pieces stays. Its kind is Unigram, WordPiece or BPE.
    """
    state = json.loads(tokenizer.backend_tokenizer.to_str())
    kept = kept | {token["id"] for token in state["added_tokens"]} | set(tokenizer.all_special_ids)
    numbers = {old: new for new, old in enumerate(sorted(kept))}
    model = state["model"]
    if model["type"] == "Unigram":
        model["vocab"] = [entry for old, entry in enumerate(model["vocab"]) if old in kept]
        model["unk_id"] = numbers.get(model["unk_id"])
    else:
        model["vocab"] = {piece: numbers[old] for piece, old in model["vocab"].items() if old in kept}
        if model["type"] == "BPE":
            model["merges"] = [pair for pair in map(_pair, model["merges"]) if _known(pair, model["vocab"])]
    for token in state["added_tokens"]:
        token["id"] = numbers[token["id"]]
    _renumber(state["post_processor"], numbers)
    small = copy.deepcopy(tokenizer)
    small._tokenizer = Tokenizer.from_str(json.dumps(state, ensure_ascii=False))
    return small, numbers


def _renumber(processor: Any, numbers: dict[int, int]) -> None:
    """Put new numbers into a post-processor: a template's special tokens, or the pairs of BERT's and RoBERTa's."""
    if isinstance(processor, list):
        for part in processor:
            _renumber(part, numbers)
    elif isinstance(processor, dict):
        for name, value in processor.items():
            if name == "special_tokens":
                for token in value.values():
                    token["ids"] = [numbers[old] for old in token["ids"]]
            elif name in ("sep", "cls"):
                value[1] = numbers[value[1]]
            else:
                _renumber(value, numbers)


def _pair(merge: Any) -> list[str]:
    return merge.split(" ") if isinstance(merge, str) else merge


def _known(pair: Sequence[str], vocabulary: dict[str, int]) -> bool:
    return pair[0] in vocabulary and pair[1] in vocabulary and "".join(pair) in vocabulary


def _merged_on_the_way(model: dict[str, Any], vocabulary: dict[str, int], used: set[int]) -> set[int]:
    """The single characters of BPE, and what its merges pass through on the way to each used piece."""
    ranks = {tuple(_pair(merge)): rank for rank, merge in enumerate(model["merges"])}
    behind = {number for piece, number in vocabulary.items() if len(piece) == 1 or re.fullmatch("<0x..>", piece)}
    for piece, number in vocabulary.items():
        parts = list(piece) if number in used else []
        while len(parts) > 1:
            rank, place = min(
                (ranks.get((left, right), len(ranks)), place)
                for place, (left, right) in enumerate(itertools.pairwise(parts))
            )
            if rank == len(ranks):
                break
            parts[place : place + 2] = [parts[place] + parts[place + 1]]
            behind.add(vocabulary[parts[place]])
    return behind


def _tried_in_unknown_words(
    texts: Sequence[str], tokens: Tokens, tokenizer: Any, vocabulary: dict[str, int]
) -> set[int]:
    """WordPiece takes the longest piece and may then fail: every piece inside a word that failed stays."""
    prefix = "##"
    behind: set[int] = set()
    for number, text in enumerate(texts):
        starts, ends = tokens.spans(number)
        for place in (tokens.of(number) == tokenizer.unk_token_id).nonzero()[0]:
            word = tokenizer.backend_tokenizer.normalizer.normalize_str(text[starts[place] : ends[place]])
            inside = {word[a:b] for a in range(len(word)) for b in range(a + 1, len(word) + 1)}
            behind |= {
                vocabulary[name] for piece in inside for name in (piece, prefix + piece) if name in vocabulary
            }
    return behind
