"""A test set as a task of lm-evaluation-harness, so that a language model is measured by the same rule elsewhere.

A task is a YAML file and, beside it, a module of its name with the rule, which is ours by its versioned name. The
harness fetches the questions at the catalogue's revision; those of other data are written beside as JSON Lines.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from polyspan.data.cards import Card, Split, cards
from polyspan.data.languages import primary
from polyspan.errors import UsageError
from polyspan.files import Source, file_name, write_text
from polyspan.score.registry import default_metric, find, with_no_answer

if TYPE_CHECKING:
    from polyspan.data.schema import Corpus

_WORDS = {  # what stands before the text, the question and the answer
    "ar": ("النص", "السؤال", "الجواب"),
    "de": ("Text", "Frage", "Antwort"),
    "en": ("Text", "Question", "Answer"),
    "es": ("Texto", "Pregunta", "Respuesta"),
    "fr": ("Texte", "Question", "Réponse"),
    "ja": ("文章", "質問", "答え"),
    "ko": ("본문", "질문", "답"),
    "pt": ("Texto", "Pergunta", "Resposta"),
    "ru": ("Текст", "Вопрос", "Ответ"),
    "zh": ("文章", "問題", "答案"),
    "zh-Hans": ("文章", "问题", "答案"),
}

_MODULE = '''"""How answers to this task are judged: by {metric} of polyspan (pip install polyspan)."""

from polyspan.score.harness import judged


def process_results(doc, results):
    return judged(results[0], doc["answers"]["text"], {metric!r}, {language!r})
'''
_CHOSEN = """

def process_docs(dataset):
    return dataset.filter(lambda doc: str(doc["id"]).startswith({prefix!r}))
"""


@dataclass(frozen=True, slots=True)
class HarnessTask:
    """A task that was written: its name, the folder, and its files there."""

    task: str
    metric: str
    folder: str
    files: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """As `export-task --json` prints it."""
        return {"task": self.task, "metric": self.metric, "folder": self.folder, "files": list(self.files)}


def on_hub(name: str) -> bool:
    """Whether the catalogue has a split of that name on the hub, where the harness fetches it."""
    return _split(name) is not None


def export_task(
    data: "str | Corpus", out: Source, *, metric: str | None = None, language: str | None = None
) -> HarnessTask:
    """Write the task of a corpus, or of a split that is `on_hub` by its name, into a folder.

    `lm_eval --include_path OUT --tasks TASK` runs it. The metric is that of the data set's authors, or of the
    language, where none is named. Raises UsageError for an unknown metric, and for a name of another form.
    """
    name = data if isinstance(data, str) else data.name
    split = _split(name)
    if isinstance(data, str) and split is None:
        raise UsageError("a task by its name alone is one that the hub has", found=name, fix="give ps.read(NAME)")
    impossible = not isinstance(data, str) and any(question.impossible for _, question in data.questions())
    language = language or (split[1].language if split else None if isinstance(data, str) else data.language)
    authors = split[1].metric if split else None if isinstance(data, str) else data.metric
    chosen = metric or authors or default_metric(language)
    chosen = with_no_answer(chosen) if impossible and not metric else chosen
    find(chosen, language)  # whether there is such a one for the language
    task = "polyspan_" + file_name(name).replace("-", "_").replace(".", "_").lower()
    folder, prefix = Path(out), split[1].prefix if split else ""
    where = _on_hub(*split) if split else {"dataset_path": "json", "test_split": "test"}
    if split is None:
        assert not isinstance(data, str)
        where |= {"dataset_kwargs": {"data_files": {"test": str((folder / f"{task}.jsonl").absolute())}}}
        _write_rows(data, folder / f"{task}.jsonl")
    facts = {"version": 1.0, "metric": chosen, "data": name}
    lines = _yaml({"task": task, **where} | _prompt(language) | _scored() | {"metadata": facts})
    functions = ["process_results", *(["process_docs"] if prefix else [])]
    lines += "".join(f"{one}: !function {task}.{one}\n" for one in functions)
    module = _MODULE.format(metric=chosen, language=language) + (_CHOSEN.format(prefix=prefix) if prefix else "")
    write_text(folder / f"{task}.py", module)
    write_text(folder / f"{task}.yaml", lines)
    files = (f"{task}.yaml", f"{task}.py", *(() if split else (f"{task}.jsonl",)))
    return HarnessTask(task, chosen, str(folder), files)


def judged(answer: str, golds: Sequence[str], metric: str, language: str | None = None) -> Mapping[str, float]:
    """Exact match and F1 of a language model's answer, in percent; "" is the answer where there is no gold one."""
    rule, given = find(metric, language), answer.strip()
    if golds or rule.no_answer:
        exact, f1 = rule.best(given, list(golds) or [""])
    else:
        exact, f1 = not given, float(not given)
    return {"exact_match": 100.0 * exact, "f1": 100.0 * f1}


def _split(name: str) -> tuple[Card, Split] | None:
    """The split that the hub has under that name in the catalogue."""
    head, _, key = name.partition(":")
    card = cards().get(head)
    return (card, card.splits[key]) if card and card.source.startswith("hub:") and key in card.splits else None


def _on_hub(card: Card, split: Split) -> dict[str, Any]:
    where: dict[str, Any] = {"dataset_path": card.source.removeprefix("hub:")}
    where |= {"dataset_name": split.config} if split.config else {}
    return where | {"dataset_kwargs": {"revision": card.revision}, "test_split": split.part}


def _write_rows(corpus: "Corpus", path: Path) -> None:
    from polyspan.data.write import write

    write(corpus, path)


def _prompt(language: str | None) -> dict[str, Any]:
    text, question, answer = _WORDS.get(language or "") or _WORDS.get(primary(language or "en")) or _WORDS["en"]
    return {
        "output_type": "generate_until",
        "doc_to_text": f"{text}: {{{{context}}}}\n\n{question}: {{{{question}}}}\n\n{answer}:",
        "doc_to_target": '{{answers.text[0] if answers.text else ""}}',
        "generation_kwargs": {"until": ["\n"], "do_sample": False, "temperature": 0.0},
    }


def _scored() -> dict[str, Any]:
    known = {"aggregation": "mean", "higher_is_better": True}
    return {"metric_list": [{"metric": name, **known} for name in ("exact_match", "f1")], "num_fewshot": 0}


def _yaml(content: Mapping[str, Any]) -> str:
    import yaml

    return str(yaml.safe_dump(dict(content), sort_keys=False, allow_unicode=True))
