"""Ask a text a question: `python ask_a_question.py READER "When was it built?" manual.txt`."""

import sys
from pathlib import Path

import polyspan as ps


def main(model: str, question: str, file: str) -> None:
    """Print the answer, where it stands, and the words around it."""
    context = Path(file).read_text("utf-8")
    answer = ps.Reader.load(model).answer(question, context)
    before, after = context[max(0, answer.start - 30) : answer.start], context[answer.end : answer.end + 30]
    print(f"{answer.text}  (characters {answer.start} to {answer.end})")
    print(f"… {before}[{answer.text}]{after} …".replace("\n", " "))


if __name__ == "__main__":
    main(*sys.argv[1:4])
