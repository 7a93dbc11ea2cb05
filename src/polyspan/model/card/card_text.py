"""The text of a Reader's card, from what is known of it and from the files in its folder."""

import json
from importlib import resources
from pathlib import Path
from typing import Any

from polyspan.data.languages import language_name, primary
from polyspan.model.card.card import ReaderCard
from polyspan.stats.proportion import half_width

_UNKNOWN = "und"  # the tag of a language that nobody has told
_FEW = 8  # corpora that are shown without being asked for


def text_of(card: ReaderCard, folder: Path) -> str:
    """The card as Markdown, without metadata."""
    from jinja2 import Environment

    environment = Environment(trim_blocks=True, lstrip_blocks=True)
    environment.globals.update(language_name=language_name, primary=primary, measured=_measured)
    questions: dict[str, int] = {}
    for one in card.data:
        language = primary(one.language or _UNKNOWN)
        questions[language] = questions.get(language, 0) + (one.questions or 0)
    files = ("difference.safetensors", "adapter_model.safetensors")
    small = next((folder / file for file in files if (folder / file).is_file()), None)
    text = resources.files("polyspan.model.card").joinpath("card.md.j2").read_text("utf-8")
    drawn = environment.from_string(text).render(
        card=card,
        questions=dict(sorted(questions.items(), key=lambda each: -each[1])),
        folded=len(card.data) > _FEW,
        kind=small and small.name.partition("_")[0].partition(".")[0],
        megabytes=small.stat().st_size / 1e6 if small else 0,
        options=_content(folder / "reader.json"),
        config=_content(folder / "config.json"),
        calibration=_content(folder / "calibration.json"),
        exported=_content(folder / "export.json"),
    )
    return drawn.strip() + "\n"


def _content(path: Path) -> Any:
    """What a JSON file says; {} where it is not there or says nothing."""
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}


def _measured(percentage: float | None, n: int) -> str:
    if percentage is None:
        return "–"
    return f"{percentage:.1f}" + (f" ± {half_width(percentage, n):.1f}" if n else "")
