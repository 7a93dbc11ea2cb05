"""The card of a corpus on the Hugging Face hub: the README.md beside its Parquet."""

from collections.abc import Mapping
from typing import Any

from polyspan.data.languages import language_name, primary
from polyspan.data.licences import hub_licence
from polyspan.data.schema import Corpus

_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))


def dataset_card(
    corpus: Corpus,
    repo: str,
    split: str,
    licence: str,
    licences: Mapping[str, str],
    made: Mapping[str, Any] | None = None,
) -> str:
    """The card as Markdown with metadata; `licences` are those of the data sets behind it, `made` is the card of a
    made corpus."""
    import yaml

    head: dict[str, Any] = {"language": [primary(corpus.language)]} if corpus.language else {}
    head |= hub_licence(licence) | {"pretty_name": corpus.name, "task_categories": ["question-answering"]}
    head |= {"task_ids": ["extractive-qa"], "tags": ["polyspan", *(["synthetic"] if made else [])]}
    head |= {"size_categories": [next((name for size, name in _SIZES if len(corpus) < size), "1M<n<10M")]}
    facts = {
        "language": f"{language_name(corpus.language)} ({corpus.language})" if corpus.language else "not known",
        "questions": f"{len(corpus):,}",
        "contexts": f"{len(corpus.paragraphs):,}",
        "unanswerable": f"{sum(question.impossible for _, question in corpus.questions()):,}",
        "metric": corpus.metric or "not known",
        "SHA-256 of the content": f"`{corpus.fingerprint()}`",
    }
    rests = ", ".join(f"{name} ({terms})" for name, terms in licences.items()) or "nothing that is known here"
    parts = [
        f"# {corpus.name}",
        "\n".join(f"* {key}: {value}" for key, value in facts.items()),
        "```python\nimport polyspan as ps\nfrom datasets import load_dataset\n\n"
        f'corpus = ps.read("hub:{repo}/{split}")\nrows = load_dataset("{repo}", split="{split}")\n```',
        "`answer_start` counts code points of `context`, as Python does.",
        f"It rests on {rests}.",
    ]
    if made:
        told = yaml.safe_dump(dict(made), sort_keys=False, allow_unicode=True, width=110)
        parts += ["## How it was made", f"```yaml\n{told}```"]
    front = yaml.safe_dump(head, sort_keys=False, allow_unicode=True)
    return f"---\n{front}---\n\n" + "\n\n".join(parts) + "\n"
