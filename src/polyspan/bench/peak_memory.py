"""Peak memory of a prediction over many windows, in megabytes: `python -m polyspan.bench.peak_memory WINDOWS`."""

import sys
from dataclasses import replace
from typing import Any

from polyspan.bench.worker import peak_megabytes
from polyspan.data.mini import load
from polyspan.data.schema import Corpus, Paragraph, Question
from polyspan.model.reader import Reader
from polyspan.model.windows.windows import WindowOptions
from polyspan.prediction import predict


def main() -> None:
    """Answer that many questions on paragraphs of the mini corpus with a tiny encoder of one layer."""
    from transformers import BertConfig, BertForQuestionAnswering

    wanted = int(sys.argv[1])
    given = load("en", "train")
    tokenizer = _word_tokenizer([paragraph.context for paragraph in given.paragraphs])
    size = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64}
    model = BertForQuestionAnswering(BertConfig(vocab_size=len(tokenizer), **size)).eval()
    reader = Reader(model, tokenizer, WindowOptions(stride_as="overlap"))
    paragraphs: list[Paragraph] = []
    number = 0
    while number < wanted:
        paragraph = given.paragraphs[len(paragraphs) % len(given.paragraphs)]
        asked = tuple(Question(f"{number + place}", q.text) for place, q in enumerate(paragraph.questions))
        paragraphs.append(replace(paragraph, context=f"{number} {paragraph.context[:150]}", questions=asked))
        number += len(asked)
    predict(reader, Corpus(tuple(paragraphs), "many", "en", None))
    print(peak_megabytes())


def _word_tokenizer(texts: list[str]) -> Any:
    """Words as pieces: the bundled encoder's tokenizer alone would take more memory than what is measured."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    backend = Tokenizer(models.WordLevel(unk_token="[UNK]"))
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    backend.train_from_iterator(texts, trainers.WordLevelTrainer(special_tokens=special, show_progress=False))
    backend.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    names = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    return PreTrainedTokenizerFast(tokenizer_object=backend, model_max_length=512, **names)


if __name__ == "__main__":
    main()
