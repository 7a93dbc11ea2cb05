import pytest

from polyspan.errors import PolyspanError
from polyspan.score import read_predictions


def test_read(tmp_path):
    path = tmp_path / "predictions.json"
    path.write_bytes(b"\xef\xbb\xbf" + '{"a": "北京", "b": ""}'.encode())
    assert read_predictions(path) == {"a": "北京", "b": ""}
    assert read_predictions(str(path)) == read_predictions(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b'{"a": "x"', "not valid JSON"),
        (b"[" * 100_000, "not valid JSON"),
        (b'{"a": ' + b"1" * 10_000 + b"}", "not valid JSON"),
        (b'{"a": "\xff"}', "not UTF-8"),
        (b'["a"]', "must map question ids to answers"),
        (b'{"a": "x", "b": null}', "prediction for 'b' is not text"),
        (b'{"a": [{"text": "x"}]}', "prediction for 'a' is not text"),
        (b'{"a": [{"text": "x", "score": 1.0}]}', "give that of predict --out"),
        (b'{"key": "5", "seconds": 1, "texts": {"a": "x"}}', "run polyspan quickstart again"),
        (b'{"a": "x", "b": "y", "a": "z"}', "id 'a' has two predictions"),
    ],
)
def test_a_broken_file_is_named_with_its_fault(tmp_path, content, message):
    path = tmp_path / "predictions.json"
    path.write_bytes(content)
    with pytest.raises(PolyspanError, match=message) as error:
        read_predictions(path)
    assert str(path) in str(error.value)


def test_no_such_file_and_a_folder(tmp_path):
    for path in (tmp_path / "none.json", tmp_path):
        with pytest.raises(PolyspanError, match="cannot read") as error:
            read_predictions(path)
        assert str(path) in str(error.value)
