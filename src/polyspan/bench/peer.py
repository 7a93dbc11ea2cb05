"""The peer: extractive QA as transformers' `run_qa.py` does it, rewritten plainly.

Pairs are tokenised through `datasets.map` with overflowing windows padded to 384; the whole model is fine-tuned
with dropout; all logits are collected and then searched by three nested loops, 20 starts × 20 ends a window.
"""

import collections
import re
import string
import time
from typing import Any

import numpy as np
import torch

from polyspan.bench.material import Amount, corpus, questions, stretch
from polyspan.data.schema import Corpus
from polyspan.model.encoders.encoder import load_encoder

LENGTH, STRIDE, BATCH, N_BEST, LONGEST = 384, 128, 8, 20, 30
Features = list[dict[str, Any]]


class Peer:
    """Turns of work, each timed; every method takes the number of the turn and returns its measurements."""

    def __init__(self, model: str, scale: Amount) -> None:
        self.scale = scale
        self.model, self.tokenizer = load_encoder(model)
        self.model.set_attn_implementation("sdpa")
        for module in list(self.model.modules()):  # PyTorch's own dropout and linear layers
            module.__class__ = torch.nn.Linear if isinstance(module, torch.nn.Linear) else module.__class__
            for name, child in module.named_children():
                if isinstance(child, torch.nn.Dropout):
                    setattr(module, name, torch.nn.Dropout(0.1))
        self.optimizer: Any = None
        self.training: Features = []

    def windows(self, name: str, turn: int) -> dict[str, Any]:
        """Windows made of a corpus."""
        rows = as_rows(stretch(name, self.scale.featurised, turn))
        began = time.perf_counter()
        made = len(featurise(rows, self.tokenizer, f"{name}-{turn}"))
        return {"seconds": time.perf_counter() - began, "count": made}

    def decode(self, turn: int) -> dict[str, Any]:
        """Logits of windows searched for the 20 best spans, their text and their shares."""
        rows = as_rows(questions("squad:dev", self.scale.decoded, turn))
        features = featurise(rows, self.tokenizer, f"decode-{turn}")
        generator = np.random.default_rng(turn)
        logits = generator.normal(size=(2, len(features), LENGTH)).astype(np.float32)
        began = time.perf_counter()
        search(rows, features, logits[0], logits[1])
        return {"seconds": time.perf_counter() - began, "count": len(features)}

    def predict(self, name: str, turn: int) -> dict[str, Any]:
        """Questions answered, from text to text."""
        rows = as_rows(questions(name, self.scale.answered, turn))
        self.model.eval()
        began = time.perf_counter()
        features = featurise(rows, self.tokenizer, f"predict-{name}-{turn}")
        starts, ends = [], []
        with torch.no_grad():
            for first in range(0, len(features), BATCH):
                part = features[first : first + BATCH]
                out = self.model(
                    input_ids=torch.tensor(part["input_ids"]), attention_mask=torch.tensor(part["attention_mask"])
                )
                starts.append(out.start_logits.numpy())
                ends.append(out.end_logits.numpy())
        answers = search(rows, features, np.concatenate(starts), np.concatenate(ends))
        return {"seconds": time.perf_counter() - began, "count": len(rows["id"]), "answers": answers}

    def train(self, kind: str, turn: int) -> dict[str, Any]:
        """Training steps: `padded` (the defaults: 8 random windows of 384), or `bucketed` by length."""
        if not self.training:
            rows = as_rows(questions("squad:train", 1000, 0))
            self.training = list(featurise(rows, self.tokenizer, "train", labelled=True))
            self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=5e-5, fused=True)
        self.model.train()
        torch.manual_seed(turn)
        batches = self._batches(kind, turn)
        began = time.perf_counter()
        for batch in batches:
            self._step(batch, LENGTH if kind == "padded" else 0)
        return {"seconds": time.perf_counter() - began, "count": BATCH * len(batches)}

    def _batches(self, kind: str, turn: int) -> list[Features]:
        if kind == "padded":
            chosen = np.random.default_rng(turn).choice(len(self.training), BATCH, replace=False)
            return [[self.training[row] for row in chosen]]
        lengths = np.array([sum(feature["attention_mask"]) for feature in self.training])
        return [[self.training[row] for row in rows] for rows in evenly(lengths, self.scale.batches)]

    def _step(self, batch: Features, width: int) -> None:
        width = width or max(sum(feature["attention_mask"]) for feature in batch)
        inputs = {
            name: torch.tensor([feature[name][:width] for feature in batch])
            for name in ("input_ids", "attention_mask")
        }
        labels = {
            f"{edge}_positions": torch.tensor([feature[f"{edge}_positions"] for feature in batch])
            for edge in ("start", "end")
        }
        self.model(**inputs, **labels).loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad()

    def score(self, turn: int) -> dict[str, Any]:
        """SQuAD dev scored by a plain loop of the published rule."""
        gold, given = gold_and_guesses(corpus("squad:dev"))
        began = time.perf_counter()
        exact = f1 = 0.0
        for key, texts in gold.items():
            exact += max(normalised(given[key]) == normalised(text) for text in texts)
            f1 += max(overlap(given[key], text) for text in texts)
        seconds = time.perf_counter() - began
        return {"seconds": seconds, "count": len(gold), "scores": [100 * exact / len(gold), 100 * f1 / len(gold)]}


def as_rows(given: Corpus) -> dict[str, list[Any]]:
    """A corpus as columns, the form of `datasets`."""
    columns: dict[str, list[Any]] = collections.defaultdict(list)
    for paragraph, question in given.questions():
        columns["id"].append(question.id)
        columns["question"].append(question.text)
        columns["context"].append(paragraph.context)
        columns["answer"].append(question.answers[0].text)
        columns["start"].append(question.answers[0].start)
    return dict(columns)


def featurise(rows: dict[str, list[Any]], tokenizer: Any, name: str, labelled: bool = False) -> Any:
    """Windows through `datasets.map`. It is told its fingerprint: hashing the tokenizer would cost a second."""
    from datasets import Dataset, disable_progress_bars

    disable_progress_bars()

    def encode(batch: dict[str, list[Any]]) -> Any:
        made: Any = tokenizer(
            [question.lstrip() for question in batch["question"]],
            batch["context"],
            truncation="only_second",
            max_length=LENGTH,
            stride=STRIDE,
            return_overflowing_tokens=True,
            return_offsets_mapping=True,
            padding="max_length",
        )
        origin = made.pop("overflow_to_sample_mapping")
        made["example"] = [batch["id"][place] for place in origin]
        if labelled:
            label(made, batch, origin)
        for row in range(len(made["input_ids"])):
            parts = made.sequence_ids(row)
            offsets = made["offset_mapping"][row]
            made["offset_mapping"][row] = [span if parts[i] == 1 else None for i, span in enumerate(offsets)]
        return made

    source = Dataset.from_dict(rows)
    return source.map(encode, batched=True, remove_columns=list(rows), new_fingerprint=name.replace(":", "-"))


def label(made: Any, batch: dict[str, list[Any]], origin: list[int]) -> None:
    """The first and last piece of the answer in each window, or the first special token."""
    starts, ends = [], []
    for row, offsets in enumerate(made["offset_mapping"]):
        first = batch["start"][origin[row]]
        last = first + len(batch["answer"][origin[row]])
        parts = made.sequence_ids(row)
        inside = [i for i, part in enumerate(parts) if part == 1]
        if not inside or offsets[inside[0]][0] > first or offsets[inside[-1]][1] < last:
            starts.append(0)
            ends.append(0)
            continue
        touched = [i for i in inside if offsets[i][0] < last and offsets[i][1] > first]
        starts.append(touched[0] if touched else 0)
        ends.append(touched[-1] if touched else 0)
    made["start_positions"], made["end_positions"] = starts, ends


def evenly(lengths: Any, batches: int) -> list[Any]:
    """`batches` batches of 8 windows of like length, spread evenly over all lengths."""
    order = np.argsort(lengths, kind="stable")
    places = [int(len(order) * (number + 0.5) / batches) for number in range(batches)]
    return [order[max(place - BATCH, 0) :][:BATCH] for place in places]


def search(rows: dict[str, list[Any]], features: Any, starts: Any, ends: Any) -> dict[str, list[Any]]:
    """The best answer of each question, `{id: [text, score]}`, from the 20 best starts and ends of each window.

    A window's offsets are read from the Arrow table when its turn comes, twice, as the script does.
    """
    from datasets import Dataset

    of_example: dict[str, list[int]] = collections.defaultdict(list)
    for place, key in enumerate(features["example"]):
        of_example[key].append(place)
    answers: dict[str, list[Any]] = {}
    for example in Dataset.from_dict(rows):
        key, context = example["id"], example["context"]
        found: list[dict[str, Any]] = []
        for place in of_example[key]:
            offsets = features[place]["offset_mapping"]
            features[place].get("token_is_max_context")
            best_starts = np.argsort(starts[place])[-1 : -N_BEST - 1 : -1].tolist()
            best_ends = np.argsort(ends[place])[-1 : -N_BEST - 1 : -1].tolist()
            for start in best_starts:
                for end in best_ends:
                    if start >= len(offsets) or end >= len(offsets):
                        continue
                    if not offsets[start] or not offsets[end]:
                        continue
                    if end < start or end - start + 1 > LONGEST:
                        continue
                    score = starts[place][start] + ends[place][end]
                    found.append({"span": (offsets[start][0], offsets[end][1]), "score": score})
        found = sorted(found, key=lambda one: one["score"], reverse=True)[:N_BEST]
        for one in found:
            one["text"] = context[one["span"][0] : one["span"][1]]
        if not found:
            found = [{"text": "empty", "score": 0.0}]
        scores = np.array([one["score"] for one in found])
        shares = np.exp(scores - scores.max())
        for one, share in zip(found, shares / shares.sum(), strict=True):
            one["probability"] = share
        answers[key] = [found[0]["text"], float(found[0]["score"])]
    return answers


def gold_and_guesses(given: Corpus) -> tuple[dict[str, list[str]], dict[str, str]]:
    """The answers of each question, and a guess for each: its last answer, a part of it, or another's."""
    gold = {q.id: [answer.text for answer in q.answers] for _, q in given.questions()}
    texts = [found[-1] for found in gold.values()]
    guesses = {
        key: (texts[place], texts[place].split()[0], texts[place - 1])[place % 3] for place, key in enumerate(gold)
    }
    return gold, guesses


def normalised(text: str) -> str:
    """Lower case, no punctuation, no articles, single spaces: the published rule of SQuAD 1.1."""
    text = "".join(char for char in text.lower() if char not in set(string.punctuation))
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", text).split())


def overlap(guess: str, gold: str) -> float:
    """F1 over the normalised words."""
    one, two = normalised(guess).split(), normalised(gold).split()
    same = sum((collections.Counter(one) & collections.Counter(two)).values())
    return 2 * same / (len(one) + len(two)) if same else 0.0
