"""What stages will take: seconds and megabytes, from sizes and rates measured on few machines. Estimates, no more.

Rates are in pieces a second for an encoder of 384 × 384 × 12; a larger one is slower in proportion. Measured: 7.6
windows a second in training and 17 in predicting on two cores with the mini corpus' 150 pieces.
"""

from polyspan.align import METHODS
from polyspan.data.languages import primary, spaced
from polyspan.lab.machine import hardware
from polyspan.lab.plan.data_facts import DataFacts
from polyspan.lab.plan.encoder_facts import ModelFacts
from polyspan.training.settings import TrainSettings

START = 4.0
"""Seconds to load a Reader and its data."""
_SMALL = 384**2 * 12
_CPU_TRAIN, _CPU_PREDICT = 570.0, 1250.0  # pieces a second and core
_GPU_TRAIN, _GPU_PREDICT = 150_000.0, 500_000.0
_UNFROZEN = 0.6  # the share of the speed that remains with dropout and all layers trained, on a CPU
_MINI, _LATIN, _OTHER = 150, 190, 330  # pieces in a window
_UNKNOWN = 20_000  # questions of a corpus whose size nobody knows
_QUESTION = 0.0006  # megabytes


def questions(data: DataFacts, limit: int | None) -> int:
    """How many questions a corpus has, at a guess where nobody knows."""
    known = _UNKNOWN if data.questions is None else data.questions
    return known if limit is None else min(known, limit)


def pieces(data: DataFacts, count: int, settings: TrainSettings) -> float:
    """Pieces in the windows of some questions; contexts in scripts of many pieces need several windows."""
    return count * _windows(data, settings) * _pieces(data)


def epoch(data: DataFacts, count: int, settings: TrainSettings) -> float:
    """Pieces in one epoch of training, which may be one of questions: as many windows as these."""
    windows = _windows(data, settings) if settings.epoch_of == "windows" else 1.0
    each = settings.windows.max_length if settings.padding == "counted" else _pieces(data)
    return count * windows * each


def _windows(data: DataFacts, settings: TrainSettings) -> float:
    """Windows for each question."""
    if data.short:
        return 1.0
    return (1.35 if settings.windows.stride_as == "overlap" else 1.75) if _is_long(data) else 1.08


def _pieces(data: DataFacts) -> float:
    """Pieces in a window."""
    if data.short:
        return _MINI
    return _OTHER if _is_long(data) else _LATIN


def _is_long(data: DataFacts) -> bool:
    return not spaced(data.language) or primary(data.language) == "ko"


def training(model: ModelFacts, settings: TrainSettings, total: float) -> float:
    """Seconds of training, with so many pieces in an epoch."""
    return START + total * settings.epochs / _rate(model, training=True, plain=settings.dropout is None)


def predicting(model: ModelFacts, total: float) -> float:
    """Seconds of answering."""
    return START / 2 + total / _rate(model, training=False)


def fitting(model: ModelFacts, method: str, total: float) -> float:
    """Seconds of encoding two corpora and fitting a map between them."""
    grown = (model.hidden / 384) ** 2
    quick = 0.1 if hardware().gpu else 1.0
    return START + total / _rate(model, training=False) + METHODS[method].seconds * grown * quick


def corpus_megabytes(count: int) -> float:
    """The size of a corpus as SQuAD JSON."""
    return count * _QUESTION


def _rate(model: ModelFacts, *, training: bool, plain: bool = False) -> float:
    machine = hardware()
    if machine.gpu:
        at_most = _GPU_TRAIN if training else _GPU_PREDICT
        return at_most * min(1.0, _SMALL / model.work)
    speed = (_CPU_TRAIN if training else _CPU_PREDICT) * min(machine.cores, 16) * _SMALL / model.work
    return speed * (_UNFROZEN if plain and training else 1.0)
