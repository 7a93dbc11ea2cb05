"""What a language model is asked: a template for each language, examples, and what it is to say of no answer."""

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from polyspan.data.languages import language_tag, primary, script
from polyspan.data.schema import Corpus, Paragraph, Question
from polyspan.errors import PolyspanError, UsageError, nearest
from polyspan.files import Source, explained
from polyspan.model.llm.reply import Message, Prompt

NO_ANSWER = "unanswerable"
"""What a model is told to write where the text does not answer, in every language."""

TEMPLATES = Path(__file__).with_name("templates.yaml")
_FALLBACK = "en"
_FIELDS = {"task": (), "none": ("none",), "ask": ("context", "question")}  # what has to stand in each
_Example = tuple[Paragraph, Question]


@dataclass(frozen=True, slots=True)
class Template:
    """What is asked in one language."""

    language: str
    task: str
    none: str
    ask: str

    def first(self, no_answer: bool) -> str:
        """What stands before all questions."""
        return f"{self.task} {_filled(self.none, none=NO_ANSWER)}" if no_answer else self.task

    def question(self, context: str, question: str) -> str:
        """One question on its context."""
        return _filled(self.ask, context=context, question=question)


@dataclass(frozen=True, slots=True)
class Prompting:
    """How a language model is asked the questions of a corpus."""

    shots: int = 0
    """Examples before each question, drawn by `seed` from `examples`."""
    examples: Sequence[Corpus] = ()
    """Corpora that examples are drawn from; they may have nothing in common with what is asked."""
    seed: int = 42
    no_answer: bool = False
    """Let the model say that the context does not answer: `NO_ANSWER`."""
    templates: Source | None = None
    """A YAML file of templates, each in the place of polyspan's own for that language."""

    def __post_init__(self) -> None:
        if self.shots < 0:
            raise UsageError("the number of examples must be 0 or more", found=str(self.shots))
        if bool(self.shots) != bool(self.examples):
            raise UsageError(
                "examples need a number and data to draw them from",
                found=f"{self.shots} shots, {len(self.examples)} corpora",
                fix="--shots 4 --shots-data mini:en/train",
            )

    def prompts(self, corpus: Corpus) -> dict[str, Prompt]:
        """The prompt of every question by its id.

        Raises PolyspanError for examples that are in the corpus too, or fewer than are asked for.
        """
        known = templates(self.templates)
        before = list(self._turns(corpus, known))
        template = template_for(known, corpus.language)
        made = {}
        for paragraph, question in corpus.questions():
            turns = [*before, _user(template.question(paragraph.context, question.text))]
            head = f"{template.first(self.no_answer)}\n\n{turns[0]['content']}"
            made[question.id] = (_user(head), *turns[1:])
        return made

    def template_language(self, corpus: Corpus) -> str:
        """The language of the template that a corpus is asked by."""
        return template_for(templates(self.templates), corpus.language).language

    def _turns(self, corpus: Corpus, known: Mapping[str, Template]) -> Iterator[Message]:
        for language, (paragraph, question) in self._drawn(corpus):
            yield _user(template_for(known, language).question(paragraph.context, question.text))
            answer = NO_ANSWER if question.impossible else question.answers[0].text
            yield {"role": "assistant", "content": answer}

    def _drawn(self, corpus: Corpus) -> list[tuple[str | None, _Example]]:
        for one in self.examples:
            _require_apart(one, corpus)
        usable = [
            (one.language, (paragraph, question))
            for one in self.examples
            for paragraph, question in one.questions()
            if (question.answers and not question.impossible) or (question.impossible and self.no_answer)
        ]
        if len(usable) < self.shots:
            names = ", ".join(one.name for one in self.examples)
            raise PolyspanError(f"there are not {self.shots} examples in {names}", found=f"{len(usable)} usable")
        return random.Random(self.seed).sample(usable, self.shots)


def _require_apart(examples: Corpus, corpus: Corpus) -> None:
    """Raise where examples share a context with what is asked, or a question: by its id too, which the parts of a
    parallel data set have in common."""
    sides = []
    for one in (examples, corpus):
        held = {" ".join(paragraph.context.split()) for paragraph in one.paragraphs}
        sides.append(held | {question.id for _, question in one.questions() if not question.id.isdecimal()})
    if shared := sides[0] & sides[1]:
        raise PolyspanError(
            f"the examples of {examples.name} are in {corpus.name} too, which is asked",
            found=f"{len(shared):,} contexts or questions in common",
            fix="take other data, or take out what they share: polyspan make apart",
        )


def template_for(known: Mapping[str, Template], language: str | None) -> Template:
    """The template of a language and its script, or of the language alone, or English's."""
    names = (f"{primary(language)}-{script(language)}", primary(language))
    return next((known[name] for name in names if name in known), known[_FALLBACK])


def templates(file: Source | None = None) -> dict[str, Template]:
    """polyspan's own templates by language, with those of a file over them.

    Raises PolyspanError for a file that cannot be read, is not of languages with `task`, `none` and `ask`, or
    whose texts lack a place that has to be filled.
    """
    own = dict(_own())
    if file is None:
        return own
    with explained(file, "read"):
        text = Path(file).read_text(encoding="utf-8-sig", errors="replace")
    for language, entry in _parsed(text, str(file)).items():
        where = f"{file}: {language}"
        tag = language_tag(str(language)) or ""
        own[tag] = _template(tag, entry, own.get(tag) or replace(own[_FALLBACK], language=tag), where)
    return own


@lru_cache
def _own() -> dict[str, Template]:
    empty = Template("", "", "", "")
    entries = _parsed(TEMPLATES.read_text(encoding="utf-8"), str(TEMPLATES))
    return {language: _template(language, entry, empty, str(TEMPLATES)) for language, entry in entries.items()}


def _parsed(text: str, where: str) -> dict[str, Any]:
    import yaml

    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise PolyspanError("this is not YAML", where=where, found=str(error).splitlines()[0]) from None
    if not isinstance(found, dict):
        raise PolyspanError("templates are by language", where=where, expected="en: {task: …, none: …, ask: …}")
    return found


def _template(language: str, entry: Any, usual: Template, where: str) -> Template:
    if not isinstance(entry, dict):
        raise PolyspanError("a template has parts", where=where, expected="task, none and ask")
    for name, text in entry.items():
        if name not in _FIELDS:
            raise PolyspanError(f"unknown part {name!r} of a template", where=where, fix=nearest(name, _FIELDS))
        lacking = [f"{{{place}}}" for place in _FIELDS[name] if f"{{{place}}}" not in str(text)]
        if not isinstance(text, str) or lacking:
            expected = f"a text with {' and '.join(lacking)} in it" if lacking else "a text"
            raise PolyspanError(f"a template's {name} cannot be so", where=where, expected=expected)
    return replace(usual, **{"language": language, **entry})


def _filled(text: str, **values: str) -> str:
    """The text with its places filled, whatever braces the values have."""
    return re.sub(r"\{(\w+)\}", lambda place: values.get(place[1], place[0]), text)


def _user(content: str) -> Message:
    return {"role": "user", "content": content}
