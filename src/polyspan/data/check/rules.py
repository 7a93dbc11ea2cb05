"""The rules on content: what texts, questions and answers of a parsed file must be like."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field

from polyspan.data.check.offsets import Misplaced, explain, fits
from polyspan.data.formats.parsed import FIX, Fault, Parsed
from polyspan.data.schema import Paragraph, Question
from polyspan.errors import shorten

CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
HANGUL = re.compile("[\u1100-\u1112][\u1161-\u1175][\u11a8-\u11c2]?|[\uac00-\ud7a3][\u11a8-\u11c2]")

_ODD = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u1161-\u1175\u11a8-\u11c2\ufffd]")
_HIDDEN = re.compile("[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")
_UNITS = {
    "utf16-offset": "an offset in UTF-16 units: characters beyond U+FFFF count twice in it",
    "byte-offset": "an offset in bytes of UTF-8",
    "constant-shift": "an offset shifted as all of this file are",
}


@dataclass(slots=True)
class Findings:
    """What the rules on content found in one file. `seen` and `contexts` go on from file to file."""

    part: Parsed
    seen: dict[str, str]
    contexts: dict[str, str]
    faults: list[Fault] = field(default_factory=list)
    noted: dict[str, list[str]] = field(default_factory=dict)
    """Of each rule that only warns, where it applies."""
    misplaced: list[tuple[str, str, Misplaced]] = field(default_factory=list)
    right: int = 0

    def fault(self, id: str, field: str, rule: str, found: str, expected: str, fix: str) -> None:
        """Note a fault."""
        self.faults.append(Fault(self.part.file, id, field, rule, found, expected, fix))

    def note(self, rule: str, id: str) -> None:
        """Note where a rule that only warns applies."""
        self.noted.setdefault(rule, []).append(id)


def judge(parts: Sequence[Parsed]) -> tuple[list[Fault], list[Fault]]:
    """All faults of parsed files, of structure first, and the warnings: one a rule and file, with its count."""
    faults: list[Fault] = []
    warnings: list[Fault] = []
    seen: dict[str, str] = {}
    contexts: dict[str, str] = {}
    for part in parts:
        findings = Findings(part, seen, contexts)
        structural = {(fault.id, fault.field) for fault in part.faults}
        for number, (paragraph, place) in enumerate(zip(part.paragraphs, part.places, strict=True)):
            _paragraph(findings, number, paragraph, place, structural)
        _place(findings)
        for id in part.odd_starts:
            findings.note("answer-start-type", id)
        for id in part.ambiguous:
            findings.note("answer-ambiguous", id)
        faults += part.faults + findings.faults
        warnings += _warnings(findings)
    return faults, warnings


def mojibake(text: str) -> str | None:
    """The text that was meant, where UTF-8 was read as Windows-1252 or Latin-1 and saved again; else None."""
    if text.isascii():
        return None
    for encoding in ("cp1252", "latin-1"):
        try:
            return text.encode(encoding).decode("utf-8")
        except UnicodeError:
            continue
    return None


def compose(text: str) -> str:
    """The text with decomposed Hangul put together; nothing else is normalised."""
    return HANGUL.sub(lambda match: unicodedata.normalize("NFC", match.group()), text)


def _paragraph(
    findings: Findings, number: int, paragraph: Paragraph, place: str, structural: set[tuple[str, str]]
) -> None:
    context = paragraph.context
    if not context.strip():
        findings.fault(place, "context", "context-empty", repr(context), "a text", "take the paragraph out")
    elif context in findings.contexts:
        findings.note("duplicate-paragraph", f"{place} as {findings.contexts[context]}")
    else:
        findings.contexts[context] = place
    _text(findings, place, "context", context)
    for question in paragraph.questions:
        id = question.id
        if id in findings.seen:
            expected = f"an id of its own (it is also in {findings.seen[id]})"
            findings.fault(id, "id", "duplicate-id", f"{shorten(id)} again in {place}", expected, "rename one")
        else:
            findings.seen[id] = place
        if not question.text.strip():
            findings.fault(id, "question", "question-empty", repr(question.text), "a text", "write the question")
        _text(findings, id, "question", question.text)
        if not question.answers and not question.impossible:
            expected = "at least one answer, or is_impossible: true (SQuAD 2.0)"
            findings.fault(id, "answers", "no-answer", "none", expected, "add an answer, or the mark")
        elif not question.answers and not findings.part.has_impossible and not findings.part.version:
            findings.note("no-answer", id)
        _answers(findings, number, context, question, structural)


def _answers(
    findings: Findings, number: int, context: str, question: Question, structural: set[tuple[str, str]]
) -> None:
    for index, answer in enumerate(question.answers):
        text, start, name = answer.text, answer.start, f"answers[{index}]"
        if not text.strip():
            expected = "a text of the context"
            fix = f"{FIX} sets it aside" if not text else "write the answer"
            findings.fault(question.id, f"{name}.text", "answer-empty", f"{text!r} at {start}", expected, fix)
            continue
        if text[0].isspace() or text[-1].isspace():
            findings.note("answer-space", question.id)
        if fits(context, text, start):
            findings.right += 1
        elif (question.id, f"{name}.answer_start") in structural:
            continue
        elif text in context:
            misplaced = Misplaced(number, context, answer)
            findings.misplaced.append((question.id, f"{name}.answer_start", misplaced))
        elif (composed := compose(text)) != text or compose(context) != context:
            rule = "nfd-hangul" if composed in compose(context) else "answer-missing"
            expected = "Hangul composed as in the context" if rule == "nfd-hangul" else "a text of the context"
            findings.fault(question.id, f"{name}.text", rule, shorten(text), expected, FIX)
        else:
            expected, fix = "a text of the context, letter for letter", f"mend the text; {FIX} sets it aside"
            findings.fault(question.id, f"{name}.text", "answer-missing", shorten(text), expected, fix)


def _place(findings: Findings) -> None:
    explained = explain([item for _, _, item in findings.misplaced], findings.right)
    for (id, name, item), (rule, start) in zip(findings.misplaced, explained, strict=True):
        text, wrong = item.answer.text, item.answer.start
        there = item.context[wrong : wrong + len(text)] if wrong >= 0 else ""
        found = f"{shorten(there)} at {wrong}" + (f", {_UNITS[rule]}" if rule in _UNITS else "")
        if start is not None:
            expected, fix = f"{shorten(text)}, which is at {start}", f"{FIX} makes it {start}"
        else:
            count = item.context.count(text)
            expected = f"{shorten(text)}, which occurs {count} times, first at {item.context.find(text)}"
            fix = "set answer_start to the occurrence that is meant"
        findings.fault(id, name, "offset", found, expected, fix)
        if rule != "offset":
            findings.note(rule, id)


def _text(findings: Findings, id: str, name: str, text: str) -> None:
    if not text.isascii() and (meant := mojibake(text)) is not None:
        expected = f"{shorten(meant)}, if UTF-8 was read as Windows-1252"
        findings.fault(id, name, "mojibake", shorten(text), expected, "convert the file from its source again")
    if _HIDDEN.search(text):
        findings.note("hidden-character", id)
    if _ODD.search(text) is None:
        return
    if match := CONTROL.search(text):
        found = f"U+{ord(match.group()):04X} at {match.start()}"
        rule = "nul" if match.group() == "\0" else "control-character"
        findings.fault(id, name, rule, found, "text without control characters", FIX)
    if match := HANGUL.search(text):
        found = f"decomposed {shorten(match.group())} at {match.start()}"
        expected = f"composed {shorten(unicodedata.normalize('NFC', match.group()))}"
        findings.fault(id, name, "nfd-hangul", found, expected, FIX)
    if "\ufffd" in text:
        findings.note("replacement-character", id)


def _warnings(findings: Findings) -> list[Fault]:
    told = {
        "answer-ambiguous": ("answers without a place that occur more than once", "an answer_start", "add it"),
        "answer-space": ("answers that begin or end with a space", "bare answers", "mind exact match"),
        "answer-start-type": ("answer_start that are not JSON whole numbers", "whole numbers", FIX),
        "byte-offset": ("of the wrong offsets count bytes of UTF-8", "code points", FIX),
        "constant-shift": ("wrong offsets, all off by the same number", "code points from 0", FIX),
        "duplicate-paragraph": ("contexts that came before", "each context once", "merge their questions"),
        "hidden-character": (
            "texts with characters that are not seen, such as U+200B, U+FEFF or U+200F",
            "visible text",
            "none needed: labels and answers begin and end with a visible character",
        ),
        "no-answer": ("rows without answers, read as impossible", "answers, or is_impossible", "add one"),
        "utf16-offset": ("of the wrong offsets count UTF-16 units", "code points", FIX),
        "replacement-character": ("texts with U+FFFD", "what was lost in decoding", "decode the source again"),
    }
    warnings = []
    for rule, ids in sorted(findings.noted.items()):
        what, expected, fix = told[rule]
        found = f"{len(ids):,} {what}"
        warnings.append(Fault(findings.part.file, ids[0], "", rule, found, expected, fix))
    return warnings
