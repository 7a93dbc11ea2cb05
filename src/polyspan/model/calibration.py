"""What a Reader was calibrated to, language by language, and on which data: `calibration.json` in its folder."""

import warnings
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from polyspan.data.languages import primary
from polyspan.errors import PolyspanError, PolyspanWarning, shorten
from polyspan.files import Source, explained, write_json
from polyspan.stats.calibration import FEW, Fitted, Measure

CALIBRATION_FILE = "calibration.json"

_RARELY = 0.1  # share of the questions that are answered
_warned: set[tuple[str, str | None]] = set()
_WHOLE = ConfigDict(extra="forbid", strict=True)
Number = Annotated[float, Field(allow_inf_nan=False)]
Share = Annotated[Number, Field(ge=0, le=1)]
Temperature = Annotated[Number, Field(gt=0)]
Scale = Annotated[Number, Field(ge=0)]
Count = Annotated[int, Field(ge=0)]


@dataclass(frozen=True, slots=True, config=_WHOLE)
class LanguageFit:
    """What was fitted for a language on its `n` questions, of which the threshold leaves so many `answered`, and
    the calibration error of its answers before and after, from 0 to 1."""

    temperature: Temperature
    null_scale: Scale
    null_bias: Number
    threshold: Number | None
    n: Count
    unanswerable: Count
    answered: Count
    ece_before: Share
    ece_after: Share


@dataclass(frozen=True, slots=True, config=_WHOLE)
class FittedOn:
    """A development set: `sha256` is that of its content, `language` its tag."""

    name: str
    sha256: str
    n: Count
    unanswerable: Count
    language: str


@dataclass(frozen=True, slots=True, config=_WHOLE)
class Calibration:
    """A Reader's temperature, odds of "" and threshold: for each language of its development data, and for all.

    The threshold is one of `measure`: `null_odds`, or the best span's `probability`; None where it always answers.
    `languages` are by their codes without script and region; `data` is what they were fitted on.
    """

    temperature: Temperature
    null_scale: Scale
    null_bias: Number
    threshold: Number | None
    measure: Measure
    goal: str
    languages: dict[str, LanguageFit]
    data: tuple[FittedOn, ...]
    ece_before: Share
    ece_after: Share

    def of(self, language: str | None) -> Fitted:
        """What holds for a language: its own, or what was fitted on all together where it has none."""
        own = self.languages.get(primary(language), self)
        return Fitted(own.temperature, own.null_scale, own.null_bias, own.threshold, self.measure)

    def knows(self, language: str | None) -> bool:
        """Whether a language is among those fitted; also where it is not known which one is asked."""
        return language is None or primary(language) in self.languages

    def mind(self, language: str | None) -> None:
        """Warn, once in a process, that a language is not among those fitted."""
        known = ", ".join(self.languages)
        if not self.knows(language) and (known, language) not in _warned:
            _warned.add((known, language))
            text = f"calibrated on {known}; {language} is asked: its probabilities may be off"
            warnings.warn(text, PolyspanWarning, stacklevel=3)

    @property
    def remarks(self) -> list[str]:
        """What is to be minded: languages that never abstain, and thresholds that rest on little."""
        pooled = all(self.of(code) == self.of(None) for code in self.languages)
        sizes = {code: (one.n, one.unanswerable) for code, one in self.languages.items()}
        if pooled:
            sizes = {", ".join(sizes): (sum(n for n, _ in sizes.values()), sum(few for _, few in sizes.values()))}
        return [f"{name}: {told}" for name, size in sizes.items() if (told := self._minded(name, *size))]

    def _minded(self, name: str, n: int, unanswerable: int) -> str:
        """What is to be minded of the threshold of some languages; "" where nothing is."""
        if self.goal != "f1":
            return f"the threshold rests on {n} questions" if n < FEW else ""
        if not unanswerable:
            return (
                "no unanswerable question, so no threshold: it always answers. "
                "make:unanswerable(DATA, share=0.5) makes some"
            )
        kind, few = min(("unanswerable", unanswerable), ("answerable", n - unanswerable), key=lambda each: each[1])
        if few < FEW:
            return f"the threshold rests on {few} {kind} question{'' if few == 1 else 's'}"
        own = self.languages[name.partition(",")[0]]
        if own.threshold is None:
            return "no threshold does better than to answer always"
        if own.answered < _RARELY * own.n:
            return (
                f"it answers {own.answered} of {own.n} questions: to say nothing has the better F1 where so many "
                "are wrong. --accuracy and --coverage fit other thresholds; training on make:unanswerable helps"
            )
        return ""

    def as_json(self) -> dict[str, Any]:
        """As the file has it."""
        value = asdict(self)
        return value | {"data": list(value["data"])}

    def save(self, folder: Source) -> None:
        """Write `calibration.json` into a Reader's folder, whole or not at all."""
        write_json(Path(folder) / CALIBRATION_FILE, self.as_json())

    @classmethod
    def load(cls, folder: Source) -> "Calibration | None":
        """The calibration in a Reader's folder, if there is one. Raises PolyspanError for a broken file."""
        path = Path(folder) / CALIBRATION_FILE
        if not path.is_file():
            return None
        try:
            with explained(path, "read"):
                content = path.read_bytes()
            return TypeAdapter(Calibration).validate_json(content)
        except ValidationError as error:
            fault = error.errors(include_url=False)[0]
            place = ".".join(map(str, fault["loc"]))
            raise PolyspanError(
                "the Reader's calibration cannot be read",
                where=f"{path}: {place}" if place else str(path),
                found=shorten(content.decode("utf-8", "replace") if not place else fault["input"]),
                expected=fault["msg"],
                fix="calibrate it again, or answer with --uncalibrated",
            ) from error
