"""Word vectors: files of fastText and word2vec read, written, and refused with the line that is wrong."""

import gzip

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from polyspan.errors import PolyspanError, UsageError
from polyspan.model.vocabulary.word_vectors import WordVectors, read_vectors, write_vectors

LINES = "the 1 2 3\ncup -0.5 1e-3 4\n東京 0 0 1.25\n"
MATRIX = np.array([[1, 2, 3], [-0.5, 1e-3, 4], [0, 0, 1.25]], np.float32)


@pytest.fixture
def save(tmp_path):
    def write(text: str | bytes, name: str = "some.vec"):
        (tmp_path / name).write_bytes(text.encode() if isinstance(text, str) else text)
        return tmp_path / name

    return write


@pytest.mark.parametrize("header", ["", "3 3\n"])
@pytest.mark.parametrize("end", ["\n", " \n", "\r\n", "\n\n"])
def test_with_and_without_a_header(save, header, end):
    end_of_file = end if header or end != "\n\n" else "\n"
    text = (header + LINES).removesuffix("\n").replace("\n", end.replace("\n\n", "\n")) + end_of_file
    found = read_vectors(save(text))
    assert found.words == ("the", "cup", "東京")
    assert found.matrix.dtype == np.float32
    assert np.array_equal(found.matrix, MATRIX)
    assert (len(found), found.width, found.duplicates) == (3, 3, 0)
    assert found.rows()["東京"] == 2


def test_gzip_and_a_byte_order_mark(save):
    packed = read_vectors(save(gzip.compress(("3 3\n" + LINES).encode()), "some.vec.gz"))
    assert packed.words == read_vectors(save("\ufeff" + LINES)).words
    assert np.array_equal(packed.matrix, MATRIX)


def test_some_of_the_words(save):
    path = save("3 3\n" + LINES)
    assert read_vectors(path, most=2).words == ("the", "cup")
    assert read_vectors(path, words=["東京", "the"]).words == ("the", "東京")
    assert read_vectors(path, most=1, words=["東京", "cup"]).words == ("cup",)
    assert np.array_equal(read_vectors(path, words={"東京"}).matrix, MATRIX[2:])
    with pytest.raises(PolyspanError, match="no word vector is left"):
        read_vectors(path, words={"hull"})
    with pytest.raises(UsageError, match="most"):
        read_vectors(path, most=0)


def test_a_word_that_comes_again_is_counted(save):
    found = read_vectors(save("4 3\n" + LINES + "the 9 9 9\n"))
    assert found.duplicates == 1
    assert np.array_equal(found.matrix, MATRIX)


WRONG = {
    "empty": ("", "empty", ""),
    "blank": ("\n\n", "empty", ""),
    "header alone": ("3 3\n", "header of the word vectors is wrong", "line 1"),
    "too many announced": ("9 3\n" + LINES, "header of the word vectors is wrong", "line 1"),
    "too few announced": ("2 3\n" + LINES, "header of the word vectors is wrong", "line 1"),
    "header of nothing": ("0 3\n", "header of the word vectors is wrong", "line 1"),
    "another width announced": ("3 4\n" + LINES, "a word vector of 3 numbers", "line 2"),
    "a width of its own": (LINES + "hull 1 2\n", "a word vector of 2 numbers", "line 4"),
    "a word alone": (LINES + "hull\n", "a word vector of 0 numbers", "line 4"),
    "no word": (LINES + " 1 2 3\n", "no word before", "line 4"),
    "a gap": ("3 3\nthe 1 2 3\n\ncup 1 2 3\n", "an empty line", "line 3"),
    "no number": (LINES + "hull 1 x 3\n", "cannot be read", "line 4"),
    "half a number": (LINES + "hull 1 2 3x\n", "cannot be read", "line 4"),
    "two spaces": (LINES + "hull 1  3\n", "cannot be read", "line 4"),
    "not a number": (LINES + "hull 1 nan 3\n", "cannot be read", "line 4"),
    "infinite": (LINES + "hull 1 2 inf\n", "cannot be read", "line 4"),
    "too large": (LINES + "hull 1 2 1e300\n", "cannot be read", "line 4"),
    "prose": ("Vectors\n" + LINES, "neither a header nor", "line 1"),
    "not UTF-8": (LINES.encode() + b"h\xffll 1 2 3\n", "not UTF-8", "line 4"),
    "cut off": (gzip.compress((LINES * 50).encode())[:-20], "cannot unpack", ""),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_named(save, case):
    text, message, line = WRONG[case]
    with pytest.raises(PolyspanError, match=message) as caught:
        read_vectors(save(text))
    assert "some.vec" in caught.value.where
    assert caught.value.where.endswith(line)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(PolyspanError, match="cannot read"):
        read_vectors(tmp_path / "none.vec")


finite = st.floats(width=32, allow_nan=False, allow_infinity=False)


@given(arrays(np.float32, st.tuples(st.integers(1, 20), st.integers(1, 6)), elements=finite))
def test_what_is_written_is_read_again(tmp_path_factory, matrix):
    path = tmp_path_factory.mktemp("vectors") / "some.vec"
    vectors = WordVectors(tuple(f"w\u00a0{number}" for number in range(len(matrix))), matrix)
    write_vectors(vectors, path)
    found = read_vectors(path)
    assert found.words == vectors.words
    assert np.array_equal(found.matrix, matrix)


def test_words_that_a_file_cannot_hold(tmp_path):
    with pytest.raises(PolyspanError, match="cannot hold this word"):
        write_vectors(WordVectors(("a b",), np.ones((1, 2), np.float32)), tmp_path / "some.vec")
    with pytest.raises(UsageError, match="one row a word"):
        WordVectors(("a", "b"), np.ones((1, 2), np.float32))
