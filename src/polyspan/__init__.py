"""Zero-shot cross-lingual reading comprehension: train in one language, answer in others, find out why it works.

>>> import polyspan as ps
>>> reader = ps.train([ps.read("mini:en/train")], "bundled:e5-small", "reader", ps.preset("cpu"))
>>> reader.answer("誰發明了點字？", context).text
"""

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from polyspan import make as make
    from polyspan.ask.asking import ask as ask
    from polyspan.ask.pipeline import pipeline as pipeline
    from polyspan.ask.pipeline import register_pipeline as register_pipeline
    from polyspan.data.push import push_corpus as push_corpus
    from polyspan.data.sample import sample as sample
    from polyspan.data.schema import Answer as Answer
    from polyspan.data.schema import Corpus as Corpus
    from polyspan.data.schema import Paragraph as Paragraph
    from polyspan.data.schema import Question as Question
    from polyspan.data.split import split as split
    from polyspan.data.write import write as write
    from polyspan.errors import PolyspanError as PolyspanError
    from polyspan.errors import PolyspanWarning as PolyspanWarning
    from polyspan.errors import UsageError as UsageError
    from polyspan.lab.quickstart import quickstart as quickstart
    from polyspan.lab.run import run as run
    from polyspan.lab.transfer_matrix import transfer_matrix as transfer_matrix
    from polyspan.model.adapters import load_adapters as load_adapters
    from polyspan.model.answers import AnswerOptions as AnswerOptions
    from polyspan.model.answers import Candidate as Candidate
    from polyspan.model.async_reader import AsyncReader as AsyncReader
    from polyspan.model.calibrate import calibrate as calibrate
    from polyspan.model.calibration import Calibration as Calibration
    from polyspan.model.export.exporting import export as export
    from polyspan.model.push import push as push
    from polyspan.model.reader import Reader as Reader
    from polyspan.model.vocabulary.trim import trim as trim
    from polyspan.model.windows.windows import WindowOptions as WindowOptions
    from polyspan.prediction import Predictions as Predictions
    from polyspan.prediction import predict as predict
    from polyspan.reading import check as check
    from polyspan.reading import read as read
    from polyspan.reading import repair as repair
    from polyspan.score import score as score
    from polyspan.score.baseline import lexical_baseline as lexical_baseline
    from polyspan.training.adaptation import adapt as adapt
    from polyspan.training.averaging import average as average
    from polyspan.training.loop import train as train
    from polyspan.training.settings import PRESETS as PRESETS
    from polyspan.training.settings import TrainSettings as TrainSettings
    from polyspan.training.settings import preset as preset

__version__ = "0.1.0"

_HOME = {
    "Answer": "data.schema",
    "AnswerOptions": "model.answers",
    "AsyncReader": "model.async_reader",
    "Calibration": "model.calibration",
    "Candidate": "model.answers",
    "Corpus": "data.schema",
    "PRESETS": "training.settings",
    "Paragraph": "data.schema",
    "PolyspanError": "errors",
    "PolyspanWarning": "errors",
    "Predictions": "prediction",
    "Question": "data.schema",
    "Reader": "model.reader",
    "TrainSettings": "training.settings",
    "UsageError": "errors",
    "WindowOptions": "model.windows.windows",
    "adapt": "training.adaptation",
    "average": "training.averaging",
    "calibrate": "model.calibrate",
    "check": "reading",
    "export": "model.export.exporting",
    "lexical_baseline": "score.baseline",
    "load_adapters": "model.adapters",
    "pipeline": "ask.pipeline",
    "predict": "prediction",
    "preset": "training.settings",
    "push": "model.push",
    "push_corpus": "data.push",
    "quickstart": "lab.quickstart",
    "read": "reading",
    "register_pipeline": "ask.pipeline",
    "repair": "reading",
    "run": "lab.run",
    "sample": "data.sample",
    "split": "data.split",
    "train": "training.loop",
    "transfer_matrix": "lab.transfer_matrix",
    "trim": "model.vocabulary.trim",
    "write": "data.write",
}
"""Public name → the module it lives in; imported when first used, so that `import polyspan` costs nothing."""

_ROOMS = ("ask", "make", "score")
__all__ = sorted([*_HOME, *_ROOMS])


if not TYPE_CHECKING:  # a type checker sees the imports above, and what is not there

    def __getattr__(name: str) -> Any:
        if name in _ROOMS:
            return import_module(f"polyspan.{name}")
        if name not in _HOME:
            raise AttributeError(f"module 'polyspan' has no attribute {name!r}")
        value = getattr(_module(_HOME[name], name), name)
        globals()[name] = value
        return value


def _module(home: str, name: str) -> ModuleType:
    try:
        return import_module(f"polyspan.{home}")
    except ModuleNotFoundError as error:
        from polyspan.errors import not_installed

        raise not_installed(error, f"polyspan.{name}") from error


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
