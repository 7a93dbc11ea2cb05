"""`compat=True` gives what transformers 4.57 gave: its outputs for two tiny models are kept beside this file.

They are made anew where OLD_PYTHON names an interpreter that has it: `OLD_PYTHON=old/bin/python pytest tests/ask`.
"""

import json
import os
import subprocess
from pathlib import Path

import old_pipeline

import polyspan as ps

HERE = Path(__file__).parent
CONTEXTS = (
    "The cup was won by leeds in 1920. In 1931 the cup was won by hull, not by Leeds: LEEDS was third by 1931.",
    "我是誰。我在東京。 The cup was in 東京, by the東京.",
    "Hull  won\tthe cup \n in 1931,  by  two goals ; it was won.",
    "l'été, ﬁne ½ café — the 東\u3000京 cup was by（two）won; ²nd \u200b in U.S. <s> 한국어 한국어는 한국.",
)
QUESTIONS = ("who won the cup?", "  東京 ")
WINDOWS = {"max_seq_len": 48, "doc_stride": 8}
PARAMETERS = (
    {},
    {"top_k": 3},
    {"top_k": 6, "align_to_words": False},
    {"align_to_words": False},
    {"max_answer_len": 3, "top_k": 4},
    {"handle_impossible_answer": True, "top_k": 5},
    WINDOWS,
    {**WINDOWS, "top_k": 4},
    {**WINDOWS, "top_k": 4, "align_to_words": False},
    {**WINDOWS, "handle_impossible_answer": True, "top_k": 8},
    {"max_seq_len": 40, "doc_stride": 0, "top_k": 2},
    {"max_seq_len": 60},
)
CALLS = [
    {"question": question, "context": context, **parameters}
    for context in CONTEXTS
    for question in QUESTIONS
    for parameters in PARAMETERS
]


def test_the_old_numbers(seeded, tmp_path):
    name, folder = seeded
    golden = HERE / f"old_{name}.json"
    if old := os.environ.get("OLD_PYTHON"):
        (tmp_path / "calls.json").write_text(json.dumps(CALLS), "utf-8")
        script = [old, old_pipeline.__file__, "answer", folder, tmp_path / "calls.json", golden]
        subprocess.run(script, check=True, cwd=tmp_path)
    expected = json.loads(golden.read_text("utf-8"))
    qa = ps.pipeline("question-answering", model=folder, compat=True)
    for call, was in zip(CALLS, expected, strict=True):
        assert old_pipeline.alike(was, qa(**call), 1e-6), (call, was, qa(**call))
