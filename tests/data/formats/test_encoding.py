"""Files that are not UTF-8: told, named, and read by the name."""

from pathlib import Path

import pytest

from polyspan.errors import PolyspanError, UsageError
from polyspan.reading import check, read, repair

TEXTS = {
    "de": "Die Mühle von Örvö ist 840 Jahre alt, außen grün – und „schön“.",
    "fr": "Le moulin d’Orvo a été créé l’été où naquit Noël : 840 ans, ça coûte 3 €.",
    "es": "¿El molino? «Está» en la montaña, a 30° – 840 años.",
    "sv": "Kvarnen i Övre Åsen är 840 år gammal.",
}
OTHERS = {
    "windows-1251": "Мельнице в Орво 840 лет, она дважды горела.",
    "windows-1253": "Ο μύλος είναι 840 ετών.",
    "windows-1254": "Değirmen 840 yaşında, ışığı sönmüş.",
    "windows-1250": "Młyn w Orvo ma 840 lat, stał się żółty i śliczny.",
    "mac-roman": "Die Mühle ist schön grün und für alle da.",
    "big5": "奧沃的磨坊有八百四十年的歷史。",
    "gb18030": "奥沃的磨坊有840年的历史。",
    "euc-kr": "오르보의 방앗간은 840년 되었다.",
    "shift_jis": "オルヴォの水車小屋は840年前に建てられた。",
    "euc-jp": "オルヴォの水車小屋は840年前に建てられた。",
}


def save(path: Path, text: str, encoding: str) -> Path:
    row = f'1,"{text}",What is it?,840,{text.index("8") if "840" in text else ""}'
    answer = "" if "840" in text else ",TRUE"
    header = "id,context,question,answer_text,answer_start" + (",is_impossible" if answer else "")
    path.write_bytes(f"{header}\r\n{row}{answer}\r\n".replace(",840,,", ",,,").encode(encoding))
    return path


def context_of(path: Path, **options: str) -> str:
    return read(path, **options).paragraphs[0].context


@pytest.mark.parametrize("language", TEXTS)
@pytest.mark.parametrize("encoding", ["windows-1252", "latin-1"])
def test_windows_1252_is_recognised(tmp_path: Path, language: str, encoding: str) -> None:
    text = TEXTS[language]
    if encoding == "latin-1":
        text = text.translate(dict.fromkeys(map(ord, "–„“’€"), "-"))
    path = save(tmp_path / "a.csv", text, encoding)
    (fault,) = check(path).faults
    assert (fault.rule, fault.id) == ("encoding", "")
    assert fault.found.startswith("Windows-1252")
    assert "--encoding windows-1252" in fault.fix
    with pytest.raises(PolyspanError, match="--encoding windows-1252"):
        read(path)
    for name in ("windows-1252", "cp1252"):
        assert context_of(path, encoding=name) == text
        assert check(path, encoding=name).ok
    mended = repair(path, tmp_path / "out.json")
    assert (mended.questions, mended.repaired, mended.quarantine) == (1, {"encoding": 1}, None)
    assert context_of(tmp_path / "out.json") == text


def test_json_too(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(
        '{"id": "1", "context": "Die Mühle", "question": "Was?", "answers": ["Mühle"]}'.encode("cp1252")
    )
    assert [fault.rule for fault in check(path).faults] == ["encoding"]
    assert context_of(path, encoding="cp1252") == "Die Mühle"


@pytest.mark.parametrize("encoding", OTHERS)
def test_other_encodings_are_not_taken_for_it(tmp_path: Path, encoding: str) -> None:
    path = save(tmp_path / "a.csv", OTHERS[encoding], encoding)
    fault = check(path).faults[0]
    assert fault.rule == "encoding"
    assert "Windows-1252" not in fault.found
    assert "--encoding" in fault.fix
    assert context_of(path, encoding=encoding) == OTHERS[encoding]
    assert check(path, encoding=encoding).ok


def test_damaged_utf8_is_not_taken_for_it(tmp_path: Path) -> None:
    path = save(tmp_path / "a.csv", TEXTS["de"] * 3, "utf-8")
    path.write_bytes(path.read_bytes().replace("ü".encode(), b"\xfc", 1))
    faults = check(path).faults
    assert [(fault.rule, fault.field) for fault in faults] == [("encoding", ""), ("encoding", "context")]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("name", ["a.csv", "a.tsv"])
def test_utf_16(tmp_path: Path, name: str, encoding: str) -> None:
    path = save(tmp_path / name, TEXTS["de"], encoding)
    (fault,) = check(path).faults
    assert fault.rule == "encoding"
    assert f"--encoding {encoding}" in fault.fix
    assert context_of(path, encoding=encoding) == TEXTS["de"]
    assert check(path, encoding=encoding).ok
    assert repair(path, tmp_path / "out.json").repaired == {"encoding": 1}
    assert context_of(tmp_path / "out.json") == TEXTS["de"]


def test_a_mark_in_a_named_encoding(tmp_path: Path) -> None:
    for encoding in ("utf-8-sig", "utf-16"):
        path = save(tmp_path / "a.csv", TEXTS["de"], encoding)
        assert check(path, encoding=encoding.removesuffix("-sig")).ok


def test_the_wrong_name(tmp_path: Path) -> None:
    path = save(tmp_path / "a.csv", TEXTS["de"], "windows-1252")
    for encoding in ("utf-8", "ascii"):
        fault = check(path, encoding=encoding).faults[0]
        assert (fault.rule, fault.expected) == ("encoding", f"text in {encoding}, as --encoding says")
    with pytest.raises(PolyspanError, match="utf-32"):
        read(path, encoding="utf-32")
    for unknown, near in (("windows-1225", "windows-1252"), ("utf-9", "utf-8"), ("zip", "one of")):
        with pytest.raises(UsageError, match=f"unknown encoding '{unknown}'") as caught:
            read(path, encoding=unknown)
        assert near in caught.value.fix
