"""Tiny models whose weights are the same whatever version of transformers and torch makes them."""

import zlib

import numpy as np
import pytest


@pytest.fixture(scope="session", params=["wordpiece", "unigram"])
def seeded(request, tmp_path_factory) -> tuple[str, str]:
    """A name, and the folder of a model for answers: a BERT on WordPiece, an XLM-R on SentencePiece."""
    import torch
    import transformers

    tokenizer = request.getfixturevalue(request.param)
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    family, padding = {"wordpiece": ("Bert", 0), "unigram": ("XLMRoberta", 1)}[request.param]
    config = getattr(transformers, f"{family}Config")(
        vocab_size=len(tokenizer), max_position_embeddings=130, pad_token_id=padding, **sizes
    )
    model = getattr(transformers, f"{family}ForQuestionAnswering")(config)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            drawn = np.random.RandomState(zlib.crc32(name.encode())).standard_normal(weight.shape)
            level, spread = (1.0, 0.1) if "LayerNorm.weight" in name else (0.0, 0.15)
            spread = 0.6 if name == "qa_outputs.weight" else spread  # answers that differ, as a trained model's do
            weight.copy_(torch.from_numpy(level + spread * drawn))
    folder = tmp_path_factory.mktemp(request.param)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return request.param, str(folder)
