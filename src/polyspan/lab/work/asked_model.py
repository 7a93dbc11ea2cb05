"""The work of predict stages whose reader is a language model: a test is asked by prompts."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from polyspan.data.schema import Corpus
from polyspan.files import write_json
from polyspan.lab.outputs import SAID
from polyspan.lab.plan.content import commit_unknown
from polyspan.lab.stage import Inputs
from polyspan.lab.work.answers import write_answers
from polyspan.lab.work.corpus import kept_corpora
from polyspan.model.llm.endpoint import Requests
from polyspan.model.llm.language_model import LanguageModel
from polyspan.model.llm.llm_name import fixed_name
from polyspan.model.llm.prompting import Prompting
from polyspan.prediction import predict_llm
from polyspan.score import score

_PASSING = ("new", "retried")  # differ from run to run


def ask(options: Mapping[str, Any], inputs: Inputs, test: Corpus, out: Path) -> None:
    """Answer a corpus by the language model that the option `llm` names, as `asked` says, with examples from the
    corpora `data.0`, … drawn by `seed`: what `predict` writes, and `said.json`, the model's own words.

    `scores.json` also has the score of these, and counts of tokens. A run that was killed goes on with what is in
    the cache. Raises PolyspanError for a name on the hub whose commit was not known when the run was planned.
    """
    asked, name = options["asked"], str(options["llm"])
    if (known := fixed_name(name)) != name:
        raise commit_unknown(name, known)
    parts = ("parallel", "requests_per_minute", "timeout", "retries", "body")
    requests = Requests(**{part: asked[part] for part in parts})
    given = {part: asked[part] for part in ("shots", "no_answer", "templates")}
    prompting = Prompting(examples=kept_corpora(inputs, "data"), seed=int(options.get("seed", 0)), **given)
    model = LanguageModel.load(name, max_tokens=asked["max_tokens"], requests=requests)
    found = predict_llm(model, test, prompting, asked["recover"])
    write_json(out / SAID, found.said)
    own = score(test, found.said)
    facts: dict[str, Any] = {"said_exact_match": own.exact_match, "said_f1": own.f1}
    facts |= {name: value for name, value in found.facts.items() if name not in _PASSING}
    spans = {key: found.spans.get(key, (0, 0)) for key in found.texts}
    write_answers(out, test, found.texts, spans, **facts)
