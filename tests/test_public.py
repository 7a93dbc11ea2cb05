"""The public names: all there, all documented, and free until used."""

import inspect
import subprocess
import sys

import pytest

import polyspan


@pytest.mark.parametrize("name", polyspan.__all__)
def test_every_public_name_is_there_and_documented(name):
    value = getattr(polyspan, name)
    assert name in dir(polyspan)
    if callable(value) and not isinstance(value, dict):
        assert inspect.getdoc(value)


def test_unknown_names_raise():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        polyspan.nothing  # noqa: B018


def test_score_is_a_function_and_a_package(corpus):
    gold = {question.id: question.answers[0].text for _, question in corpus.questions()}
    assert polyspan.score(corpus, gold, "squad.v1") == polyspan.score.score(corpus, gold, "squad.v1")


@pytest.mark.parametrize(
    "module", ["polyspan", "polyspan.data", "polyspan.score", "polyspan.baseline", "polyspan.report"]
)
def test_imports_without_torch(module):
    code = f"import sys, {module}; assert not {{'torch', 'transformers', 'matplotlib'}} & set(sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
