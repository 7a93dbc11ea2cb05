import hashlib

import pytest

from polyspan.data import mini
from polyspan.errors import PolyspanError
from polyspan.make.dictionary import read_dictionary


def written(tmp_path, text, name="en-xx.txt"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_any_white_space_separates_and_lines_are_alternatives_in_order(tmp_path):
    path = written(tmp_path, "\ufeffand und\nAnd\tsowie\r\n\nand   und\nthe\u3000der \n")
    dictionary = read_dictionary(path)
    assert dictionary.entries == {"and": ("und", "sowie"), "the": ("der",)}
    assert (dictionary.pairs, dictionary.broken, dictionary.name) == (3, 0, "en-xx.txt")
    assert dictionary.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_few_broken_lines_are_counted(tmp_path):
    dictionary = read_dictionary(written(tmp_path, "a b\nlonely\nice cream glace\n" + "x y\n" * 20))
    assert dictionary.entries == {"a": ("b",), "x": ("y",)}
    assert dictionary.broken == 2


@pytest.mark.parametrize(
    ("text", "message", "where", "found"),
    [
        ("one\ntwo\n", "2 of 3 lines", "line 1", "'one'"),
        ("a b\n" + "x;y\n" * 11, "11 of 13 lines", "line 2", "'x;y'"),
        ('{"the": "le", "cup": "coupe"}', "1 of 1 lines", "line 1", "coupe"),
        ("", "empty", "line 1", "''"),
        ("\n \n", "empty", "line 1", "''"),
        (b"a b\nc \xe9t\xe9\n", "not UTF-8", "line 2", "xe9t"),
        ("a b\n".encode("utf-16"), "not UTF-8", "line 1", "xff"),
    ],
)
def test_what_is_no_dictionary_is_one_clear_error(tmp_path, text, message, where, found):
    path = written(tmp_path, text)
    with pytest.raises(PolyspanError) as error:
        read_dictionary(path)
    assert message in error.value.message
    assert error.value.where.startswith(str(path))
    assert error.value.where.endswith(where)
    assert found in error.value.found
    assert "two words a line" in error.value.expected
    assert error.value.fix


def test_a_file_that_cannot_be_read(tmp_path):
    with pytest.raises(PolyspanError, match="cannot read"):
        read_dictionary(tmp_path / "none.txt")
    with pytest.raises(PolyspanError, match="cannot read"):
        read_dictionary(tmp_path)


@pytest.mark.parametrize("language", ["zh", "fr", "ja", "ko"])
def test_the_word_lists_of_the_mini_corpus_are_dictionaries(language):
    dictionary = read_dictionary(mini.dictionary(language))
    assert dictionary.broken == 0
    assert len(dictionary.entries) > 1000
    assert "and" in dictionary.entries


@pytest.mark.realdata
def test_muse_has_the_pairs_it_is_known_for(data):
    sizes = {"zh": (32_495, 39_334), "fr": (94_681, 113_286), "ja": (31_580, 35_353)}
    for language, size in sizes.items():
        dictionary = read_dictionary(data / "muse" / f"en-{language}.txt")
        assert (len(dictionary.entries), dictionary.pairs, dictionary.broken) == (*size, 0)
