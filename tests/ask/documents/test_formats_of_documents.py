"""Every format of documents: what is read of it, and that its places lead back into the file."""

import io
import zipfile

import docx
import pypdf
import pytest

from polyspan.ask.documents.document import line_of
from polyspan.ask.documents.document_format import DOCUMENT_FORMATS, read_document
from polyspan.errors import PolyspanError, UsageError

PAGE = """<!doctype html><html><head><title>T</title><style>p{}</style></head><body><nav><a href=x>Home</a></nav>
<h1>The <b>mill</b> &amp; more</h1><p>Built in <b>1840</b> by <i>Bente</i>
   Roos&nbsp;Jr. It&#8217;s R&D &unknown;
at night.<p hidden>secret<p>Next<br>line <script>var a="</p>";</script>here
<ul><li>one<li hidden>two<li>three</ul><table><tr><td>a<td>b<tr><td>c</table><pre>x

  y</pre><div style="display: none"><p>no<div>no</div></div>end
<noscript>no</noscript><svg><title>no</title></svg></body></html>"""

PDF_PAGES = ("The mill was built in 1840.", "", "It is a museum now.")


def pdf(pages=PDF_PAGES) -> bytes:
    """A PDF with a line of text on each page, or none."""
    objects = ["<< /Type /Catalog /Pages 2 0 R >>"]
    kids = " ".join(f"{4 + 2 * number} 0 R" for number in range(len(pages)))
    objects.append(f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>")
    objects.append("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>")
    for number, line in enumerate(pages):
        font = "/Resources << /Font << /F1 3 0 R >> >> /MediaBox [0 0 500 500]"
        objects.append(f"<< /Type /Page /Parent 2 0 R {font} /Contents {5 + 2 * number} 0 R >>")
        drawn = f"BT /F1 12 Tf 50 400 Td ({line}) Tj ET" if line else ""
        objects.append(f"<< /Length {len(drawn)} >>\nstream\n{drawn}\nendstream")
    body, places = "%PDF-1.4\n", []
    for number, one in enumerate(objects, 1):
        places.append(len(body))
        body += f"{number} 0 obj\n{one}\nendobj\n"
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    size = len(objects) + 1
    end = f"xref\n0 {size}\n0000000000 65535 f \n{table}trailer\n<< /Size {size} /Root 1 0 R >>\n"
    return f"{body}{end}startxref\n{len(body)}\n%%EOF\n".encode("ascii")


@pytest.fixture
def read(tmp_path):
    """The document of bytes, or of a text in UTF-8, in a file of a name."""

    def call(name, content, **options):
        data = content.encode() if isinstance(content, str) else content
        (tmp_path / name).write_bytes(data)
        return read_document(tmp_path / name, **options)

    return call


def spot(document, words):
    start = document.text.index(words)
    return document.spot(start, start + len(words))


def test_there_is_a_format_for_each_suffix():
    suffixes = [suffix for one in DOCUMENT_FORMATS.values() for suffix in one.suffixes]
    assert len(suffixes) == len(set(suffixes))
    assert {".txt", ".md", ".html", ".pdf", ".docx"} <= set(suffixes)


@pytest.mark.parametrize(
    ("encoded", "encoding"),
    [
        ("Müllers Mühle".encode(), "utf-8"),
        ("\ufeffMüllers Mühle".encode(), "utf-8"),
        ("Müllers Mühle".encode("utf-16"), "utf-16"),
        ("Müllers Mühle".encode("utf-16-le"), "utf-16-le"),
        ("Müllers Mühle".encode("windows-1252"), "windows-1252"),
    ],
)
def test_offsets_count_the_decoded_text(read, encoded, encoding):
    document = read("mill.txt", encoded)
    found = spot(document, "Mühle")
    assert document.encoding == encoding
    assert encoded.decode(encoding)[found.start : found.end] == "Mühle"


def test_line_ends_are_as_on_disk(read):
    content = "one\r\ntwo\rthree\n\U0001f600 four"
    document = read("a.txt", content)
    assert document.text == content
    assert spot(document, "four") == (17, 21, 4, "file", None)
    assert [line_of(content, content.index(word)) for word in ("one", "two", "three")] == [1, 2, 3]


def test_headings_of_markdown(read):
    content = "# One #\n## C#\n#\n\ntext\n```sh\n# none\n```\n## Two\r\nText\n===\nmore\n\n- item\n---\n"
    document = read("a.md", content)
    assert [(document.text[one.start : one.end], one.level) for one in document.headings] == [
        ("One", 1), ("C#", 2), ("Two", 2), ("Text", 1)
    ]  # fmt: skip


def test_what_is_seen_of_a_web_page(read):
    document = read("a.html", PAGE)
    assert document.text == (
        "Home\n\nThe mill & more\n\nBuilt in 1840 by Bente\n   Roos\xa0Jr. It’s R&D &unknown;\nat night.\n\n"
        "Next\nline here\n\none\nthree\n\na\tb\nc\n\nx\n\n  y\n\nend"
    )
    assert [document.text[one.start : one.end] for one in document.headings] == ["The mill & more"]


@pytest.mark.parametrize(
    ("words", "source", "counted"),
    [
        ("1840", "1840", "file"),
        ("Roos", "Roos", "file"),
        ("R&D", "R&D", "file"),
        ("&unknown;\nat", "&unknown;\nat", "file"),
        ("mill & more", "mill</b> &amp; more", "markup"),
        ("Bente\n   Roos", "Bente</i>\n   Roos", "markup"),
        ("It’s", "It&#8217;s", "markup"),
        ("line here", 'line <script>var a="</p>";</script>here', "markup"),
    ],
)
def test_what_is_seen_leads_back_to_the_source(read, words, source, counted):
    found = spot(read("a.html", PAGE), words)
    assert PAGE[found.start : found.end] == source
    assert found.counted == counted
    assert found.line == PAGE.count("\n", 0, found.start) + 1


@pytest.mark.parametrize(
    "page", ["<p>a", "<p", "&", "<!-- ", "a</p></div>b<", "<a<b>c", "<![CDATA[x]]>y", "&#xD800;z"]
)
def test_broken_pages_have_places_too(read, page):
    source = f"<html>seen {page}"
    document = read("a.html", source)
    for place in range(len(document.text)):
        found = document.spot(place, place + 1)
        assert 0 <= found.start <= found.end <= len(source)
        assert found.counted == "markup" or source[found.start : found.end] == document.text[place]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.md", "<!-- a -->" * 5_000 + "text"),
        ("a.html", "<html>a" + " " * 50_000 + "b" + " \t" * 50_000),
        ("a.html", "<html>a" + "\n" * 50_000 + "b"),
        ("a.md", "a" + " " * 50_000 + "b\n# c" + " " * 50_000 + "#" * 50_000 + "d\n" + "`" * 50_000),
    ],
)
def test_odd_files_are_read_soon(read, name, content):
    assert read(name, content).text


@pytest.mark.parametrize(
    ("said", "encoding", "told"),
    [
        ("euc-kr", "cp949", "cp949"),
        ("big5", "utf-8", "utf-8"),
        ("nothing", "utf-8", "utf-8"),
        ("punycode", "utf-8", "utf-8"),
        ("GB2312", "gb18030", "gb18030"),
    ],
)
def test_a_page_says_its_encoding(read, said, encoding, told):
    source = f'<html><meta charset="{said}"><p>東京 1920'
    document = read("a.html", source.encode(encoding))
    assert (document.text, document.encoding) == ("東京 1920", told)


def test_pages_of_a_pdf(read):
    document = read("named.txt", pdf())  # told by its first bytes
    assert document.text == f"{PDF_PAGES[0]}\n\f\n{PDF_PAGES[2]}"
    found = spot(document, "museum")
    assert (found.counted, found.part, found.line) == ("page", 3, 1)
    page = pypdf.PdfReader(io.BytesIO(pdf())).pages[found.part - 1].extract_text()
    assert page[found.start : found.end] == "museum"


def test_paragraphs_of_a_word_document(read, tmp_path):
    made = docx.Document()
    made.add_heading("The mill", 1)
    for text in ("Built in 1840.", "", "A museum."):
        made.add_paragraph(text)
    cells = made.add_table(1, 2).rows[0].cells
    cells[0].text, cells[1].text = "Tank", "2.4 litres"
    made.save(tmp_path / "made.docx")
    document = read("a.bin", (tmp_path / "made.docx").read_bytes())
    assert document.text == "The mill\n\nBuilt in 1840.\n\nA museum.\n\nTank\t2.4 litres"
    assert [document.text[one.start : one.end] for one in document.headings] == ["The mill"]
    assert spot(document, "museum") == (2, 8, 1, "paragraph", 4)
    assert spot(document, "2.4 litres") == (5, 15, 1, "paragraph", 5)


def zipped(name: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(name, "<x/>")
    return file.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.txt", b"", "the file is empty"),
        ("a.txt", b"\n" * 10_000, "the file is empty"),
        ("a.txt", "\ufeff\u200b\n".encode(), "no text to read"),
        ("a.txt", bytes(range(256)) * 40, "this is no text"),
        ("a.txt", b"\0\1\2" * 40, "this is no text"),
        ("a.txt", b"\1\2\3abc" * 40, "this is no text"),
        ("a.txt", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "this is no text"),
        ("a.txt", "물레방앗간은 언제 지어졌습니까".encode("euc-kr"), "unknown encoding"),
        ("a.txt", b"half a pair: \xed\xa0\xbd", "unknown encoding"),
        ("a.rtf", b"{\\rtf1 text}", "Rich Text"),
        ("a.html", b"<html><script>var a = 1;</script>", "no text to read"),
        ("a.pdf", b"%PDF-1.4\nnothing", "the PDF cannot be read"),
        ("a.pdf", pdf(("", "")), "no text to read"),
        ("a.pdf", b"a text", "the PDF cannot be read"),
        ("a.docx", zipped("word/document.xml"), "the Word document cannot be read"),
        ("a.docx", b"PK\3\4broken", "the Word document cannot be read"),
    ],
)
def test_what_cannot_be_read_is_one_clear_message(read, name, content, told):
    with pytest.raises(PolyspanError) as caught:
        read(name, content)
    assert told in str(caught.value)
    assert name in caught.value.where


def test_an_encoding_may_be_named(read):
    content = "언제 지어졌습니까"
    assert read("a.txt", content.encode("euc-kr"), encoding="euc-kr").text == content
    with pytest.raises(PolyspanError, match="not in utf-8"):
        read("a.txt", content.encode("euc-kr"), encoding="utf-8")
    with pytest.raises(UsageError, match="unknown encoding"):
        read("a.txt", content, encoding="nothing")


def test_a_file_without_end_is_not_read_to_its_end(read):
    with pytest.raises(PolyspanError, match="larger than"):
        read("a.txt", b"text " * 1000, largest=0.004)
    assert read("a.txt", b"text " * 1000, largest=0.005)


def test_paths_that_are_no_files(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "nothing")
    for path, told in (
        (tmp_path, "folder"),
        (tmp_path / "none.txt", "no such file"),
        (tmp_path / "link", "cannot read"),
    ):
        with pytest.raises(PolyspanError, match=told):
            read_document(path)
