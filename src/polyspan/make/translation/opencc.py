"""Simplified characters as traditional ones and back, by OpenCC: Chinese that was written in the other script."""

from importlib.metadata import version

from polyspan.data.languages import language_tag
from polyspan.errors import PolyspanError, UsageError, choose

_SCRIPTS = {
    "s2t": ("zh-Hans", "zh-Hant"),
    "s2tw": ("zh-Hans", "zh-Hant"),
    "s2hk": ("zh-Hans", "zh-Hant"),
    "t2s": ("zh-Hant", "zh-Hans"),
    "tw2s": ("zh-Hant", "zh-Hans"),
    "hk2s": ("zh-Hant", "zh-Hans"),
}
"""Configurations that change characters, by phrases, and no words: from which script to which."""


class OpenCC:
    """One configuration, such as `s2tw`: simplified characters as Taiwan writes them.

    Raises UsageError for another one or where it is not from the data's script to the one asked for, and
    PolyspanError where `opencc` is missing.
    """

    def __init__(self, config: str, source: str, target: str) -> None:
        choose("configuration of OpenCC", config, _SCRIPTS)
        if tuple(map(_script, (source, target))) != _SCRIPTS[config]:
            expected = "opencc:{} is from {} to {}".format(config, *_SCRIPTS[config])
            raise UsageError(f"opencc:{config} is not for {source} to {target}", expected=expected)
        try:
            from opencc import OpenCC as Converter
        except ModuleNotFoundError as error:
            raise PolyspanError(
                f"opencc:{config} needs opencc, which is not installed", fix="pip install opencc"
            ) from error
        self.name, self.version = f"opencc:{config}", version("opencc")
        self._converter = Converter(config)

    def translate(self, texts: list[str], source: str, target: str) -> list[str]:
        """Each text character by character; what is not Chinese stays."""
        return [str(self._converter.convert(text)) for text in texts]


def _script(language: str) -> str:
    """The tag with its script: `zh` is simplified, as everywhere here."""
    tag = language_tag(language) or ""
    return "zh-Hans" if tag == "zh" else tag
