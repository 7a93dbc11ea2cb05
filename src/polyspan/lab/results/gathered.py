"""What finished stages left in the store, read for a report and copied beside it."""

import filecmp
import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from polyspan.data.schema import Corpus
from polyspan.files import file_name, replacing, replacing_folder
from polyspan.lab.outputs import EVIDENCE, MODEL, READER, START
from polyspan.lab.stage import Stage
from polyspan.lab.work.answers import kept_scores
from polyspan.lab.work.corpus import kept_corpus, kept_ids
from polyspan.score import score
from polyspan.score.by_id import QuestionIds
from polyspan.stats.evidence import Evidence

if TYPE_CHECKING:
    from polyspan.lab.store.store import Store
    from polyspan.score import Scores


QUESTIONS = "questions.json"
"""What an archive without text has of a corpus: the ids of its questions, paragraph by paragraph."""


def scores_by(metric: str) -> str:
    """The file that an archive without text has of answers: their scores by another rule than their own."""
    return f"scores.{metric}.json"


class Gathered:
    """Reads each finished stage once. `out` is the report's folder, to which small files are copied."""

    def __init__(self, store: "Store", out: Path, done: frozenset[str]) -> None:
        self.store, self.out, self.done = store, out, done
        self.rescored: dict[tuple[str, str], Scores] = {}
        """What was scored by another rule than its own, by key and rule."""
        self._scores: dict[str, Scores] = {}
        self._ids: dict[QuestionIds, QuestionIds] = {}
        self._corpora: dict[str, Corpus] = {}
        self._json: dict[Path, Any] = {}
        self._copies: dict[str, str] = {}

    def is_done(self, stage: Stage | None) -> bool:
        """Whether the stage's output is in the store."""
        return stage is not None and stage.key in self.done

    def scores(self, predict: Stage) -> "Scores":
        """The scores of a predict or baseline stage, question by question."""
        if predict.key not in self._scores:
            self._scores[predict.key] = kept_scores(self.store.path(predict), self._ids)[0]
        return self._scores[predict.key]

    def scored_by(self, predict: Stage, metric: str) -> "Scores":
        """The answers of a predict stage, scored by another rule; of an archive without text, as it has them."""
        key = f"{predict.key} {metric}"
        if key not in self._scores and (self.store.path(predict) / scores_by(metric)).exists():
            self._scores[key] = kept_scores(self.store.path(predict), self._ids, scores_by(metric))[0]
        elif key not in self._scores:
            test, answers = self.corpus(predict.answered), self.json(predict, "predictions.json")
            self._scores[key] = score(test, answers, metric, test.language)
            self.rescored[predict.key, metric] = self._scores[key]
        return self._scores[key]

    def can_be_scored_by(self, predict: Stage, metric: str) -> bool:
        """Whether the answers are there, and the gold ones, or their scores by the rule."""
        return self.has_text(predict) or (self.store.path(predict) / scores_by(metric)).exists()

    def has_text(self, predict: Stage) -> bool:
        """Whether neither the answers nor their test were imported without their text."""
        return not self.store.lacks(predict) and not self.store.lacks(predict.answered)

    def groups(self, corpus: Stage) -> list[list[str]]:
        """The ids of a corpus' questions, paragraph by paragraph."""
        if self.store.lacks(corpus):
            found: list[list[str]] = self.json(corpus, QUESTIONS)
            return found
        return kept_ids(self.store.path(corpus))

    def evidence(self, predict: Stage) -> Evidence:
        """What a Reader knew of each question of a test."""
        return Evidence.load(self.store.path(predict) / EVIDENCE)

    def corpus(self, stage: Stage) -> Corpus:
        """The corpus of a corpus stage."""
        if stage.key not in self._corpora:
            self._corpora[stage.key] = kept_corpus(self.store.path(stage))
        return self._corpora[stage.key]

    def about(self, corpus: Stage) -> dict[str, Any]:
        """What a corpus stage says of its corpus; of one that is not there, only what was asked for."""
        if not self.is_done(corpus):
            given = corpus.options
            about = {name: given.get(name) for name in ("language", "metric")}
            about |= {"name": given.get("name") or given["data"], "root": given["data"]}
            return about | {"questions": 0, "sha256": "", "set": None, "card": None}
        found: dict[str, Any] = self.json(corpus, "about.json")
        return found

    def run(self, train: Stage) -> dict[str, Any]:
        """The run record of a train stage, {} where it is gone; a made encoder goes by its stage's name, with
        the model that it was made of, and a Reader that another goes on from is told among the settings."""
        if not self.is_done(train):
            return {}
        found = dict(self.json(train, f"{READER}/run.json"))
        if (made := train.needs.get(MODEL)) is not None:
            found["model"] = f"{made.name}, of {made.options['model']}" if "model" in made.options else made.name
        if (before := train.needs.get(START)) is not None:
            found["model"] = self.run(before).get("model", before.name)
            found["settings"] = found["settings"] | {"start": before.name}
        return found

    def json(self, stage: Stage, name: str) -> Any:
        """A JSON file of a stage."""
        path = self.store.path(stage) / name
        if path not in self._json:
            self._json[path] = json.loads(path.read_text("utf-8"))
        return self._json[path]

    def copy(self, stage: Stage, name: str, part: str, as_name: str = "") -> str:
        """Copy a file of a stage to the folder `part` beside the report; returns its path there.

        It is named after the stage (or `as_name`), with its key where two stages have one name; "" where it was
        left out of the archive that the stage came in. A copy of the same size and time is left as it is.
        """
        if name in self.store.lacks(stage):
            return ""
        source = self.store.path(stage) / name
        stem = as_name or file_name(stage.name)
        here = f"{part}/{stem}{source.suffix}"
        if self._copies.setdefault(here, stage.key) != stage.key:
            here = f"{part}/{stem}-{stage.key[:8]}{source.suffix}"
        target, known = self.out / here, source.stat()
        if not target.exists() or (target.stat().st_size, target.stat().st_mtime) != (
            known.st_size,
            known.st_mtime,
        ):
            with replacing(target) as made:
                shutil.copy2(source, made)
        return here

    def record_file(self, train: Stage) -> str:
        """The copied run record of a Reader, "" where the Reader is gone."""
        return self.copy(train, f"{READER}/run.json", "records") if self.is_done(train) else ""

    def reader(self, train: Stage, name: str) -> str:
        """Where a Reader is, "" where it was imported without weights. Where the store is in the report's folder,
        it is under `readers/` as well: its files are the store's own by another name, so that the weights are on
        the disk once."""
        path = self.store.path(train) / READER
        if self.store.lacks(train):
            return ""
        if not path.is_relative_to(self.out.absolute()):
            return str(path)
        here = f"readers/{name}"
        if not _same(path, self.out / here):
            with replacing_folder(self.out / here) as made:
                shutil.copytree(path, made, copy_function=_link, dirs_exist_ok=True)
        return here

    def record(self, stage: Stage) -> dict[str, Any]:
        """What the store knows of how a stage was made: seconds, versions, machine."""
        return self.store.record(stage)


def _link(source: str, target: str) -> None:
    """A second name for a file; a copy where the disk cannot have two."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _same(one: Path, other: Path) -> bool:
    """Whether a folder holds the files of another one."""
    names = [path.relative_to(one) for path in one.rglob("*") if path.is_file()]
    return all((other / name).is_file() and filecmp.cmp(one / name, other / name) for name in names)
