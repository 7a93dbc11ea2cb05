"""Our side of the comparison of runtimes: `python -m polyspan.bench.runtime_ours WAY FOLDER [SITE]`.

It reads and writes what `plain_peer` does. WAY is `fp32` or `bf16` with torch, anything else for an exported
Reader; SITE is a folder of packages that are installed elsewhere.
"""

import sys

from polyspan.bench import plain_peer
from polyspan.data.schema import Corpus, Paragraph, Question
from polyspan.model.answers import AnswerOptions
from polyspan.model.windows.windows import WindowOptions

ONNX = ("onnxruntime", "tokenizers", "numpy", "pydantic", "regex", "typer", "rich", "pyyaml", "filelock")
"""What an exported Reader needs, as docs/export.md has it, besides what depends on the runtime."""
_MORE = ("langcodes", "language-data", "bm25s")
_ALWAYS = AnswerOptions(max_answer_length=plain_peer.LONGEST, null_threshold=float("inf"))


def main() -> None:
    """Answer lists of questions with a Reader."""
    from polyspan.model.reader import Reader
    from polyspan.prediction import predict

    way, folder, *sites = sys.argv[1:]
    sys.path += sites
    options = WindowOptions(plain_peer.LENGTH, plain_peer.OVERLAP, "overlap")
    reader = Reader.load(folder, options, dtype="bf16" if way == "bf16" else "fp32")

    def answer(pairs: list[plain_peer.Pair]) -> list[str]:
        asked = ((context, Question(str(number), question)) for number, (question, context) in enumerate(pairs))
        corpus = Corpus(tuple(Paragraph(context, (question,)) for context, question in asked), "asked")
        return list(predict(reader, corpus, _ALWAYS).texts.values()) if pairs else []

    torch = way in ("fp32", "bf16")
    runtime = ("openvino",) if "openvino" in way else ONNX[:1]
    plain_peer.serve(answer, ["polyspan"] if torch else [*runtime, *ONNX[1:], *_MORE])


if __name__ == "__main__":
    main()
