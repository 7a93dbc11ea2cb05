"""Apertium, rule-based translation from Debian's archive, without a network: `apertium:eng-spa`.

Its programs are run one after the other on all texts at once, each text ended by NUL. Not so the tagger, which
gets a process for each text: in apertium 3.8 a word whose set of readings it never met spoils its choices for
every text that follows (said: `dicho` instead of `dijo`). And the programs are called by themselves because the
script `apertium` cannot keep texts apart: its format `line` lets words wander from a line to the next.
"""

import hashlib
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

from polyspan.errors import PolyspanError, UsageError
from polyspan.make.translation.engine import EngineFailure

_CODES = {
    "arg": "an", "cat": "ca", "deu": "de", "eng": "en", "epo": "eo", "eus": "eu", "fra": "fr", "glg": "gl",
    "ita": "it", "nld": "nl", "nno": "nn", "nob": "nb", "oci": "oc", "por": "pt", "ron": "ro", "rus": "ru",
    "spa": "es", "srd": "sc", "swe": "sv", "ukr": "uk",
}  # fmt: skip
_FOLDERS = ("/usr/share/apertium", "/usr/local/share/apertium")

_SPECIAL = re.compile(r"[\\^$@<>{}\[\]/]")
_END = "[][{}]"  # a formatting blank, which every program hands on: the number of the text


class Apertium:
    """An installed pair. Words that it does not know are kept as they are, without Apertium's asterisk.

    `version` has the release and a digest of the pair's data. Raises PolyspanError, with the line to install it,
    where programs or pair are missing; UsageError where the pair is for other languages than asked.
    """

    def __init__(self, pair: str, source: str, target: str) -> None:
        self.name = f"apertium:{pair}"
        _fit(pair, source, target)
        mode = _mode(pair)
        self._stages = _stages(mode)
        release = _run(["apertium", "-V"], "").split()[-1]
        digest = hashlib.sha256(mode.read_bytes())
        for path in sorted({word for stage in self._stages for word in stage[1:] if os.path.isfile(word)}):
            digest.update(Path(path).read_bytes())
        self.version = f"{release}+{digest.hexdigest()[:12]}"

    def translate(self, texts: list[str], source: str, target: str) -> list[str]:
        """White space within a text becomes single spaces. Raises EngineFailure where a program fails."""
        # The full stop at the end keeps words from joining the blank behind; the script does the same.
        stream = "".join(f"{_escape(text)}.{_END.format(n)}\0" for n, text in enumerate(texts))
        for stage in self._stages:
            if stage[0] == "apertium-tagger":
                stream = "".join(_run(stage, f"{text}\0") for text in stream.split("\0") if text)
            else:
                stream = _run(stage, stream)
        given = [text for text in stream.split("\0") if text]
        marks = [_END.format(n) for n in range(len(texts))]
        if len(given) != len(texts) or not all(
            text.endswith(mark) for text, mark in zip(given, marks, strict=True)
        ):
            raise EngineFailure(f"{len(given)} translations for {len(texts)} texts")
        return [
            _unescape(text.removesuffix(mark).removesuffix(".")) for text, mark in zip(given, marks, strict=True)
        ]


def _fit(pair: str, source: str, target: str) -> None:
    codes = [code.split("_")[0] for code in pair.split("-")]
    wanted = [source.split("-")[0], target.split("-")[0]]
    known = [_CODES.get(code, wish) for code, wish in zip(codes, wanted, strict=False)]
    if len(codes) != 2 or known != wanted:
        raise UsageError(
            f"the pair {pair} is not for {source} to {target}",
            expected="a pair such as eng-spa, from the data's language to --to",
        )


def _mode(pair: str) -> Path:
    """The file that says which programs translate a pair."""
    missing = [name for name in ("apertium", "apertium-wblank-mode", "lt-proc") if shutil.which(name) is None]
    modes = [Path(folder, "modes", f"{pair}.mode") for folder in _FOLDERS]
    found = next((path for path in modes if path.is_file()), None)
    if missing or found is None:
        package = f"apertium-{pair}" if pair != "spa-eng" else "apertium-eng-spa"
        raise PolyspanError(
            f"Apertium cannot translate {pair} here",
            found=f"no {missing[0]}" if missing else f"no {modes[0]}",
            fix=f"apt-get install -y apertium {package} (a package serves both directions under one name)",
        )
    return found


def _stages(mode: Path) -> list[list[str]]:
    """The programs of a pair with their options, in order, set to work NUL by NUL."""
    script = shlex.shlex(_run(["apertium-wblank-mode", "-z", str(mode)], ""), posix=True, punctuation_chars="|")
    script.whitespace_split = True
    stages: list[list[str]] = [[]]
    for word in script:
        if word == "|":
            stages.append([])
        elif word != "$2":  # the tagger's option to show what it chose from
            stages[-1].append("-n" if word == "$1" else word)  # -n: unknown words without their asterisk
    return stages


def _run(command: list[str], text: str) -> str:
    done = subprocess.run(command, input=text, capture_output=True, encoding="utf-8", check=False)
    if done.returncode != 0:
        raise EngineFailure(f"{command[0]} ended with {done.returncode}: {done.stderr.strip()[-200:]}")
    return done.stdout


def _escape(text: str) -> str:
    # A bare ~ is an order to the generator of the target language; as a formatting blank it passes.
    return _SPECIAL.sub(r"\\\g<0>", " ".join(text.replace("\0", " ").split())).replace("~", "[~]")


def _unescape(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", re.sub(r"(?<!\\)\[~\]", "~", text)).strip()
