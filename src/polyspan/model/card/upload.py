"""A saved Reader put on the Hugging Face hub, with its card."""

import warnings
from dataclasses import replace
from pathlib import Path

from polyspan.data.push import Pushed, push_files
from polyspan.errors import PolyspanWarning
from polyspan.files import Source
from polyspan.model.card.readme import CARD_FILE, card_of, readme

_OURS_ALONE = ("run.json", "trim.json")  # records of this machine, with paths on it


def upload(folder: Source, repo: str, *, private: bool = False) -> Pushed:
    """Put the files of a whole Reader's folder into the repository `OWNER/NAME`; its card then has that name.

    Checkpoints, hidden files and run.json stay here. What the card's licence allows and that of the data forbids
    is a PolyspanWarning. Raises as `push_files`.
    """
    folder = Path(folder)
    card = card_of(str(folder), folder)
    if card.clash:
        warnings.warn(card.clash, PolyspanWarning, stacklevel=2)
    files: dict[str, Path | bytes] = {
        path.name: path
        for path in sorted(folder.iterdir())
        if path.is_file() and not path.name.startswith(".") and path.name not in _OURS_ALONE
    }
    files[CARD_FILE] = readme(replace(card, name=repo), folder).encode()
    return push_files(files, repo, "model", private=private, message=f"{card.name or folder.name}, by polyspan")
