"""Scores in the schema of Every Eval Ever, by which results of many libraries are exchanged."""

import time
from pathlib import Path
from typing import Any

from polyspan.data.cards import Card, cards
from polyspan.data.schema import Corpus
from polyspan.stats.resampling import DRAWS
from polyspan.stats.standings import Interval, Standing

SCHEMA = "0.3.0"
_TITLES = {"exact_match": "Exact match", "f1": "F1"}


def every_eval_ever(
    standing: Standing,
    corpus: Corpus,
    *,
    model: str = "",
    base: str = "",
    draws: int = DRAWS,
    cluster: str = "question",
) -> dict[str, Any]:
    """The record of one system on one corpus: exact match and F1 in percent by the metric's versioned name, with
    95 % intervals of as many `draws` of `cluster`s.

    `model` is what the system is called, by default the name of its file, and `base` what it was trained from.
    """
    from polyspan import __version__

    scores, now = standing.scores, str(int(time.time()))
    name = model or Path(standing.name).name.removesuffix(".json")  # no folder of this machine
    of_model = {"deployment_type": "self_deployed" if model else "unknown", "model_availability": "unknown"}
    of_model |= {"model_availability": "open_weights"} if name.startswith("bundled:") else {}
    of_model |= {"base_model": base} if base else {}
    bounds = {"exact_match": standing.exact_match, "f1": standing.f1}
    method = f"percentile bootstrap of {cluster}s"
    return {
        "schema_version": SCHEMA,
        "evaluation_id": f"{corpus.name}/{name}/{now}",
        "retrieved_timestamp": now,
        "source_metadata": {
            "source_name": "polyspan",
            "source_type": "evaluation_run",
            "source_organization_name": "unknown",
            "evaluator_relationship": "other",
        },
        "eval_library": {"name": "polyspan", "version": __version__},
        "model_info": {"name": name, "id": name, "additional_details": of_model},
        "evaluation_results": [
            {
                "evaluation_result_id": f"{corpus.name}/{scores.metric}/{measure}",
                "evaluation_name": corpus.name,
                "source_data": _source(corpus),
                "metric_config": _metric(scores.metric, measure),
                "score_details": {
                    "score": getattr(scores, measure),
                    "details": {"n": str(scores.n), "missing": str(scores.missing)},
                    "uncertainty": _uncertainty(bounds[measure], method, scores.n, draws),
                },
            }
            for measure in _TITLES
        ],
    }


def _metric(name: str, measure: str) -> dict[str, Any]:
    return {
        "evaluation_description": f"{_TITLES[measure]} by {name}",
        "metric_id": f"polyspan.{name}.{measure}",
        "metric_name": f"{_TITLES[measure]} ({name})",
        "metric_kind": measure,
        "metric_unit": "percent",
        "metric_parameters": {"rule": name},
        "lower_is_better": False,
        "score_type": "continuous",
        "min_score": 0,
        "max_score": 100,
    }


def _uncertainty(bounds: Interval, method: str, n: int, draws: int) -> dict[str, Any]:
    interval = {"lower": bounds[0], "upper": bounds[1], "confidence_level": 0.95, "method": method}
    return {"confidence_interval": interval, "num_samples": n, "num_bootstrap_samples": draws}


def _source(corpus: Corpus) -> dict[str, Any]:
    """The data as the schema names them: of the hub where the catalogue has them there, else of no address."""
    head, _, key = corpus.name.partition(":")
    card = cards().get(head)
    details = {"sha256": corpus.fingerprint(), "questions": str(len(corpus))}
    details |= {"language": corpus.language} if corpus.language else {}
    if card is None or key not in card.splits or not card.source.startswith("hub:"):
        return {"dataset_name": corpus.name, "source_type": "other", "additional_details": details}
    return _of_hub(corpus, card, key, details)


def _of_hub(corpus: Corpus, card: Card, key: str, details: dict[str, str]) -> dict[str, Any]:
    split = card.splits[key]
    known = {"config": split.config, "revision": card.revision, "licence": card.licence}
    details |= {name: value for name, value in known.items() if value}
    return {
        "dataset_name": corpus.name,
        "source_type": "hf_dataset",
        "hf_repo": card.source.removeprefix("hub:"),
        "hf_split": split.part or key,
        "samples_number": len(corpus),
        "additional_details": details,
    }
