"""What a user reads when something is wrong: where, what was found, what was expected, what to do."""

import difflib
from collections.abc import Iterable


class PolyspanError(Exception):
    """The data or the run has a fault that the user can mend. The command line exits with 1.

    Every part but the message may be left out; those given are printed one a line, in this order.
    """

    exit_code = 1

    def __init__(
        self, message: str, *, where: str = "", found: str = "", expected: str = "", fix: str = ""
    ) -> None:
        super().__init__(message)
        self.message, self.where, self.found, self.expected, self.fix = message, where, found, expected, fix

    @property
    def brief(self) -> str:
        """The fault in one line, for a table or a remark."""
        return f"{self.message}: {self.found}" if self.found else self.message

    def __str__(self) -> str:
        parts = {"where": self.where, "found": self.found, "expected": self.expected, "fix": self.fix}
        return "\n".join([self.message, *(f"  {name + ':':<9} {text}" for name, text in parts.items() if text)])


class UsageError(PolyspanError):
    """The call itself is wrong: an unknown name or an impossible option. The command line exits with 2."""

    exit_code = 2


class PolyspanWarning(UserWarning):
    """What is to be minded of a result. The command line prints it as a remark on stderr."""


def not_installed(error: ModuleNotFoundError, what: str) -> PolyspanError:
    """What to install where a package is missing; raises the error again where it is a module of polyspan."""
    package = (error.name or "").partition(".")[0]
    if not package or package == "polyspan":
        raise error
    return PolyspanError(f"{what} needs {package}, which is not installed", fix=f"pip install {package}")


def nearest(word: str, options: Iterable[str]) -> str:
    """A hint for an unknown name: the nearest known one, or all of them where none is near."""
    known = sorted(options)
    begun = [option for option in known if word and option.startswith(word)]
    close = sorted(begun, key=len) or difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f"did you mean {close[0]!r}?" if close else "one of: " + ", ".join(known)


def choose(what: str, given: object, options: Iterable[str]) -> None:
    """Raise UsageError where a named choice is none of the options."""
    known = tuple(options)
    if given not in known:
        raise UsageError(f"unknown {what} {given!r}", fix=nearest(str(given), known))


def shorten(value: object, limit: int = 80) -> str:
    """`repr` of a value from the user's data, cut in the middle so that a message stays one line."""
    text = repr(value)
    return text if len(text) <= limit else f"{text[: limit * 2 // 3]} … {text[-limit // 4 :]}"
