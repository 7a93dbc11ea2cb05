# ruff: noqa: E501
"""Builds `report.json` files of any shape, with texts in several scripts and made-up scores."""

import json
import math
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

TEXTS = {  # language: (context, question, gold answer, another span)
    "en": (
        "The harbour was dug by hand. " * 14 + "In 1871 a storm broke the old sea wall, and the town of Marlow asked the "
        "engineer Ada Thorne to build another of granite. " + "Ships waited outside for days. " * 14,
        "Who built the new sea wall?",
        "Ada Thorne",
        "the engineer Ada Thorne to build another",
    ),
    "zh-Hant": ("一八七一年，暴風雨沖毀了舊海堤，鎮上請工程師林秋水用花崗岩重建。", "誰重建了海堤？", "林秋水", "工程師林秋水"),
    "zh-Hans": ("一八七一年，暴风雨冲毁了旧海堤，镇上请工程师林秋水用花岗岩重建。", "海堤是用什么重建的？", "花岗岩", "一八七一年"),
    "ko": ("1871년 폭풍이 옛 방파제를 무너뜨리자 마을은 기술자 한서윤에게 화강암 방파제를 맡겼다.", "누가 맡았는가?", "한서윤", "폭풍이"),
    "ja": ("一八七一年、嵐が古い防波堤を壊し、町は技師の森田に花崗岩で造り直すよう頼んだ。", "だれが造り直したか。", "森田", "技師の森田"),
    "es": ("En 1871 una tormenta rompió el viejo dique y el pueblo llamó a la ingeniera Ada Thorne.", "¿Quién vino?", "Ada Thorne", "el pueblo"),
    "ar": ("في عام 1871 حطمت عاصفة السد القديم، فطلبت البلدة من المهندسة آدا ثورن أن تبني سدا آخر من الغرانيت.", "من بنى السد الجديد؟", "آدا ثورن", "المهندسة آدا ثورن"),
}  # fmt: skip

FIVE = [("mini:" + tag.split("-")[0] + "/test", tag) for tag in ("en", "zh-Hant", "ko", "ja", "es")]
FOUR = [("English", "en"), ("Chinese", "zh-Hant"), ("Korean", "ko"), ("Japanese", "ja")]
SEVEN = [
    ("squad:dev", "en"),
    ("drcd:dev", "zh-Hant"),
    ("korquad:held-out", "ko"),
    ("jaquad:dev", "ja"),
    ("xquad:zh", "zh-Hans"),
    ("xquad:es", "es"),
    ("xquad:ar", "ar"),
]
ELEVEN = [(f"xquad:{tag}", tag) for tag in ("en", "es", "de", "el", "ru", "tr", "ar", "vi", "th", "zh-Hans", "hi")]


def make(
    training: Sequence[tuple[str, str]],
    tests: Sequence[tuple[str, str]],
    seeds: Sequence[int] = (42,),
    n: int = 250,
    steps: int = 400,
) -> dict[str, Any]:
    """A report of every training set (name, language) on every test set, once for each seed."""
    draw = random.Random(0)
    rows = [_row(train, test, seed, n, draw) for train in training for test in tests for seed in seeds]
    timing: dict[str, float] = {f"train {name}": 600.0 for name, _ in training}
    timing |= {f"predict {row['train']} → {row['test']}": 12.5 for row in rows}
    return {
        "matrix": rows,
        "timing": timing | {"total": 4321.0},
        "versions": {"polyspan": "0.1.0", "python": "3.11.7", "torch": "2.13.0+cpu"},
        "machine": {"cpu": "AMD EPYC", "cores": 2, "gpu": None, "system": "Linux x86_64"},
        "command": "polyspan run recipe.yaml --out runs/transfer",
        "training": [_training(*train, seed, steps, draw) for train in training for seed in seeds],
        "tests": [
            {"name": name, "language": language, "metric": _metric(language), "questions": n, "sha256": "cd" * 32}
            for name, language in tests
        ],
        "examples": [
            example
            for train in training
            for test in tests
            if test[1] in TEXTS
            for example in _examples(train[0], *test)
        ],
    }


def save(folder: Path, report: Any) -> Path:
    """Write a report where `write_report` looks for it; returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.json").write_text(json.dumps(report, ensure_ascii=False), "utf-8")
    return folder


def _metric(language: str) -> str:
    return {"zh": "drcd.v1", "ja": "drcd.v1", "ko": "korquad.v1"}.get(language.split("-")[0], "squad.v1")


def _row(train: tuple[str, str], test: tuple[str, str], seed: int, n: int, draw: random.Random) -> dict[str, Any]:
    same = train[1].split("-")[0] == test[1].split("-")[0]
    f1 = draw.uniform(52, 66) if same else draw.uniform(27, 50)
    return {
        "train": train[0],
        "test": test[0],
        "language": test[1],
        "metric": _metric(test[1]),
        "seed": seed,
        "n": n,
        "exact_match": round(f1 * 0.7, 3),
        "f1": round(f1, 3),
        "baseline_f1": round(6 + len(test[0]) % 7, 3),
        "untrained_f1": round(4 + len(test[0]) % 5, 3),
    }


def _training(name: str, language: str, seed: int, steps: int, draw: random.Random) -> dict[str, Any]:
    data = {"name": f"{language}/train.json", "language": language, "questions": 3000, "sha256": "ab" * 32}
    windows = {"max_length": 384, "stride": 128, "stride_as": "overlap"}
    return {
        "name": name,
        "folder": f"readers/{name}",
        "model": "bundled:e5-small",
        "data": [data],
        "weights": None,
        "limit": 3000,
        "seed": seed,
        "settings": {"learning_rate": 2e-4, "batch_size": 8, "freeze": ["embeddings"], "windows": windows},
        "windows": 3100,
        "steps": steps,
        "seconds": 600.0,
        "loss": [round(1.6 + 3.6 * math.exp(-step / 90) + draw.gauss(0, 0.25), 6) for step in range(steps)],
    }


def _examples(train: str, test: str, language: str) -> list[dict[str, Any]]:
    context, question, answer, other = TEXTS[language]
    gold, around = context.index(answer), context.index(other)
    one = {"train": train, "test": test, "language": language, "context": context, "question": question}
    found, longer = (
        ([gold, gold + len(answer)], 1.0, 1.0),
        ([around, around + len(other)], 0.0, float(answer in other) / 2),
    )
    spans = {
        "exact": found,
        "other": longer if train.startswith(("E", "m")) else found,
        "start": ([0, 12], 0.0, 0.0) if train == "Korean" else longer,
    }
    return [
        one | {"id": key, "gold": [[gold, gold + len(answer)]], "predicted": span, "exact_match": exact, "f1": f1}
        for key, (span, exact, f1) in spans.items()
    ]
