"""The front door: questions put to files of text, PDF and the like, answered with the place and how sure it is.

`polyspan.ask(…)` is the function `asking.ask`.

Gives: `asking`, `best_passage`, `documents`, `pipeline`, `ranking`. Its own: `compat`, `haystack`, `library`,
`likeness`, `pairs`, `parameters`, `passages`, `sentence`.
"""

import sys
from types import ModuleType
from typing import Any


class _Callable(ModuleType):
    """Lets `polyspan.ask(…)` be the function, which is imported when it is first called."""

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        from polyspan.ask.asking import ask

        return ask(*arguments, **options)


sys.modules[__name__].__class__ = _Callable
