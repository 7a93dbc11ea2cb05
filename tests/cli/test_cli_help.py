"""What `--help` shows: an example for every verb that works as typed, words for types, 80 columns; completion."""

import os
import re
import shlex
import subprocess
import sys

import pytest
import typer

from polyspan.cli import main as cli

GROUP = typer.main.get_command(cli.app)
VERBS = {
    f"{name} {inner}".strip(): verb
    for name, command in GROUP.commands.items()
    for inner, verb in getattr(command, "commands", {"": command}).items()
}


def examples(verb: str) -> list[str]:
    text = (VERBS[verb].epilog or "").partition("Example:\n")[2]
    return re.sub(r"\\\n\s*", "", text).strip().splitlines()


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_an_example_that_parses(verb):
    assert examples(verb), f"{verb}: @…command(example=…)"
    for line in examples(verb):
        words = shlex.split(line.partition(" | ")[0])
        assert words[0] == "polyspan"
        assert " ".join(words[1:]).startswith(verb)
        VERBS[verb].make_context(verb, words[1 + len(verb.split()) :])  # raises where a word is not known


@pytest.mark.parametrize("verb", ["", *VERBS])
def test_help_has_words_for_types_and_fits_80_columns(run, verb, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    code, out, _ = run(*verb.split(), "--help")
    assert code == 0
    assert not re.search(r"<\w+|[a-z]\[|\bTEXT|INTEGER|PATH\b", out), out
    assert max(map(len, out.splitlines())) <= 80
    assert "\b" not in out


def _complete(words: str, **environment: str) -> str:
    code = "from polyspan.cli.main import main; main()"
    asked = {"_POLYSPAN_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    call = [sys.executable, "-c", code]
    done = subprocess.run(call, env=os.environ | asked | environment, capture_output=True, text=True, check=False)
    return done.stdout


def test_completion():
    assert _complete("polyspan qui").split() == ["quickstart"]
    assert "compare" in _complete("polyspan stats ").split()
    assert "--metric" in _complete("polyspan score --m").split()


def test_completion_is_installed(tmp_path):
    call = [sys.executable, "-m", "polyspan", "--install-completion", "bash"]
    environment = os.environ | {"HOME": str(tmp_path), "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    done = subprocess.run(call, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    script = next(tmp_path.rglob("polyspan.sh")).read_text("utf-8")
    assert "complete -o default -F _polyspan_completion polyspan" in script
    assert "polyspan.sh" in (tmp_path / ".bashrc").read_text("utf-8")
