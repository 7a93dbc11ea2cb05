"""`polyspan predict`: the answers of a Reader, or of a language model, to all questions of a data set."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from polyspan.cli.help import Verbs
from polyspan.cli.options import Json, Language, adds, distinct, read, reads, show
from polyspan.errors import UsageError
from polyspan.model.llm.llm_name import is_llm

if TYPE_CHECKING:
    from polyspan.data.schema import Corpus
    from polyspan.model.llm.endpoint import Requests
    from polyspan.prediction import Predictions

_T = typer.Option
predict_app = Verbs()
_BOTH = ("model", "data", "out", "language", "encoding", "columns", "as_json")
_LLM: dict[str, Any] = {
    "shots": Annotated[int | None, _T(help="llm: examples before each question. Default: 0.")],
    "shots_data": Annotated[list[str] | None, _T(help="llm: data that examples are drawn from; may be repeated.")],
    "shots_seed": Annotated[int | None, _T(help="llm: what examples are drawn by. Default: 42.")],
    "no_answer": Annotated[bool | None, _T("--no-answer", help="llm: let it say that there is no answer.")],
    "templates": Annotated[Path | None, _T(help="llm: what is asked in each language, a YAML file.")],
    "recover": Annotated[
        str | None,
        _T(
            help="llm: how its answer is found in the context: copied (default), none: its own words, boundary, "
            "strict, paper_min or paper_first_match."
        ),
    ],
    "max_tokens": Annotated[int | None, _T(help="llm: tokens of a reply at most. Default: 64.")],
    "parallel": Annotated[int | None, _T(help="llm: requests to an endpoint at once. Default: 4.")],
    "requests_per_minute": Annotated[float | None, _T(help="llm: requests to an endpoint in a minute at most.")],
    "timeout": Annotated[float | None, _T(help="llm: seconds for an endpoint's answer. Default: 60.")],
    "retries": Annotated[int | None, _T(help="llm: how often an endpoint is asked again. Default: 4.")],
    "body": Annotated[
        str | None, _T(help="llm: JSON that each request has too, such as '{\"top_p\": 1}'; null leaves out.")
    ],
    "again": Annotated[bool | None, _T("--again", help="llm: ask also what the cache knows.")],
}
"""Options of language models."""


@predict_app.command(example="polyspan predict --model reader --data mini:ko/test --out answers.json")
@reads
@adds(_LLM, as_one="asked")
def predict(
    context: typer.Context,
    model: Annotated[
        str,
        _T(help="A Reader's folder, any question-answering model, or llm:URL#MODEL, llm:FOLDER, …"),
    ],
    data: Annotated[str, _T(help="The questions: a file or a name.")],
    out: Annotated[Path, _T(help="File for {id: text}; a language model's own words go to OUT.said.json.")],
    nbest: Annotated[
        Path | None, _T(help="File for the n-best answers with spans, scores and probabilities.")
    ] = None,
    n_best: Annotated[int, _T(help="How many spans --nbest holds for each question, beside ''.")] = 20,
    null_odds: Annotated[
        Path | None, _T(help="File for {id: null score less the best span's}, SQuAD 2.0's na_prob.")
    ] = None,
    max_answer_length: Annotated[int, _T(help="Pieces in an answer at most.")] = 30,
    max_context: Annotated[
        bool, _T("--max-context", help="BERT's rule: start in the window with most context.")
    ] = False,
    align_to_words: Annotated[
        bool, _T("--align-to-words", help="Make answers longer that cut a word, in scripts with spaces.")
    ] = False,
    language_adapter: Annotated[
        Path | None, _T(help="Folder of `adapt`, in the place of the language that the Reader was trained on.")
    ] = None,
    align: Annotated[
        Path | None, _T(help="Carry the states of its layer through this map of `align fit`.")
    ] = None,
    pack: Annotated[
        bool | None,
        _T("--pack/--no-pack", help="Compute a batch's windows as one row. Default: where it is faster."),
    ] = None,
    dtype: Annotated[str, _T(help="fp32, or bf16: faster, one answer in fifty differs.")] = "fp32",
    uncalibrated: Annotated[bool, _T("--uncalibrated", help="Leave the Reader's calibration aside.")] = False,
    null_threshold: Annotated[
        float | None, _T(help="SQuAD 2.0: answer '' above this null score difference.")
    ] = None,
    min_probability: Annotated[
        float | None, _T(help="Answer '' where the best span is less probable than this (0 to 1).")
    ] = None,
    answers_in: Annotated[
        str | None,
        _T(help="The data that --data was translated from: answers are brought back to its texts by alignment."),
    ] = None,
    language: Language = None,
    asked: Any = None,
    as_json: Json = False,
) -> None:
    """Answer every question of a data set."""
    from polyspan.cli import terminal

    _require_own(context, is_llm(model))
    corpus = read(data, language)
    distinct(data, out, nbest, null_odds)
    if is_llm(model):
        _ask(model, corpus, out, asked, as_json)
        return
    from polyspan.make.translation.carrying_back import Originals
    from polyspan.model.answers import AnswerOptions
    from polyspan.model.map import Map
    from polyspan.model.reader import Reader
    from polyspan.prediction import carry_back
    from polyspan.prediction import predict as answer

    originals = Originals(corpus, read(answers_in)) if answers_in else None
    options = AnswerOptions(
        n_best if nbest else 1,
        max_answer_length,
        max_context,
        null_threshold,
        min_probability,
        align_to_words=align_to_words,
    )
    terminal.say(f"loading {model}")
    reader = Reader.load(model, dtype=dtype, calibrated=not uncalibrated, language_adapter=language_adapter)
    if reader.doubt and not reader.language_alone and (reader.fresh_head or (nbest and not uncalibrated)):
        terminal.say(f"{model} {reader.doubt}")
    predictions = answer(reader, corpus, options, pack, Map.load(align) if align else None)
    if originals is not None:
        predictions = carry_back(predictions, originals)
        ways = ", ".join(f"{number:,} {way}" for way, number in sorted(originals.ways.items()))
        terminal.say(f"brought back to {originals.original.name}: {ways or 'nothing'}")
    predictions.write(out, nbest, null_odds)
    _tell(predictions, out, as_json)


def _tell(predictions: "Predictions", out: Path, as_json: bool) -> None:
    """What was answered: JSON, or remarks and where the answers are."""
    from polyspan.cli import terminal

    counts = {"questions": len(predictions.texts), "pieces": predictions.pieces, "unknown": predictions.unknown}
    given = {
        "unanswered": sum(not text for text in predictions.texts.values()),
        "calibrated": predictions.calibrated,
    }
    if show({"out": str(out), **counts, **given}, as_json):
        if predictions.unknown:
            terminal.say(f"{predictions.unknown} of {predictions.pieces} pieces are unknown to this encoder")
        if given["unanswered"]:
            terminal.say(f"{given['unanswered']:,} of {len(predictions.texts):,} questions are answered by ''")
        terminal.tell(f"{terminal.count(len(predictions.texts), 'answer')}: {out}")


def _require_own(context: typer.Context, llm: bool) -> None:
    """Refuse options of Readers with a language model, and the other way round: they would do nothing."""
    for option in context.command.params:
        source = context.get_parameter_source(str(option.name))
        wrong = option.name not in {*_LLM, *_BOTH} if llm else option.name in _LLM
        if wrong and source is not None and source.name == "COMMANDLINE":
            kind, whose = ("language model", "Readers") if llm else ("Reader", "language models, --model llm:…")
            message = f"{option.opts[0]} means nothing to a {kind}"
            raise UsageError(message, found=f"an option of {whose}", fix="leave it out")


def _ask(model: str, corpus: "Corpus", out: Path, asked: dict[str, Any], as_json: bool) -> None:
    from polyspan.cli import terminal
    from polyspan.model.llm.language_model import LanguageModel
    from polyspan.model.llm.prompting import Prompting
    from polyspan.prediction import predict_llm

    given = {name: value for name, value in asked.items() if value is not None}
    examples = [read(name) for name in given.get("shots_data", ())]
    named = {"shots": "shots", "shots_seed": "seed", "no_answer": "no_answer", "templates": "templates"}
    prompting = Prompting(examples=examples, **_of(given, named))
    terminal.say(f"asking {model}")
    tokens = _of(given, {"max_tokens": "max_tokens"})
    language_model = LanguageModel.load(model, requests=_requests(given), **tokens)
    found = predict_llm(language_model, corpus, prompting, **_of(given, {"recover": "recover", "again": "again"}))
    found.write(out)
    facts = found.facts
    result = {"out": str(out), "said": f"{out}.said.json", "questions": len(found.texts), **facts}
    if show(result, as_json):
        remarks = {"unanswered": "are not answered", "not_found": "have an answer that is not in their context"}
        remarks["cut_short"] = "have a reply that was cut off at --max-tokens"
        for name, remark in remarks.items():
            if facts[name]:
                terminal.say(f"{facts[name]:,} of {len(found.texts):,} questions {remark}")
        terminal.say(f"{facts['prompt_tokens']:,} tokens asked, {facts['reply_tokens']:,} in reply")
        terminal.tell(f"{terminal.count(len(found.texts), 'answer')}: {out}")


def _requests(given: Mapping[str, Any]) -> "Requests":
    from polyspan.model.llm.endpoint import Requests

    names = ("parallel", "requests_per_minute", "timeout", "retries")
    options = _of(given, dict(zip(names, names, strict=True)))
    if "body" in given:
        try:
            options["body"] = json.loads(given["body"])
        except ValueError:
            options["body"] = None
        if not isinstance(options["body"], dict):
            raise UsageError("--body is no JSON object", found=given["body"], expected='{"max_tokens": null}')
    return Requests(**options)


def _of(given: Mapping[str, Any], named: Mapping[str, str]) -> dict[str, Any]:
    """Those of the options, by the names that the function gives them."""
    return {own: given[name] for name, own in named.items() if name in given}
