"""How much a server takes on."""

from dataclasses import dataclass, fields

from polyspan.errors import UsageError


@dataclass(frozen=True, slots=True)
class Limits:
    """What a request may hold and how many may wait; what is more is refused, and who asked is told."""

    max_body: int = 2 * 1024 * 1024
    """Bytes of a request's body."""
    max_questions: int = 1000
    """Questions in a request, counted once for each document that they are asked of."""
    max_pieces: int = 1_000_000
    """Pieces that the encoder reads for a request: those of all its windows, of each question on each document."""
    max_waiting: int = 256
    """Requests that are read or wait to be computed."""
    patience: float = 30.0
    """Seconds in which a client must have sent its request, and in which it must take its answer."""

    def __post_init__(self) -> None:
        for field in fields(self):
            if not getattr(self, field.name) > 0:
                raise UsageError(f"{field.name} must be above 0", found=str(getattr(self, field.name)))
