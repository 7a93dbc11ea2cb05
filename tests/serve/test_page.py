"""The page of `polyspan serve` in a real browser, before a small server that answers by searching for a word."""

import base64
import hashlib
import json
import re
import shutil
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

import polyspan

playwright = pytest.importorskip("playwright.sync_api", reason="no playwright: pip install 'polyspan[dev]'")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium: apt-get install chromium"),
]
PAGE = Path(polyspan.__file__).parent / "serve" / "page.html"
PHONE, DESKTOP = {"width": 390, "height": 844}, {"width": 1280, "height": 800}
MILL = "The mill at Arnfeld was built in 1840 by Bente Roos. Until 1951 it ground rye, in 1951 it was sold."

FOCUSED = """() => {
  const one = document.activeElement;
  return one === document.body ? "body" : one.ariaLabel || (one.labels?.[0] ?? one).textContent.trim();
}"""
FAINT = """() => {  // texts whose contrast is below 4.5
  const numbers = colour => colour.match(/[\\d.]+/g).map(Number);
  const linear = c => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => 0.2126 * linear(r / 255) + 0.7152 * linear(g / 255) + 0.0722 * linear(b / 255);
  const behind = one => {
    const colour = numbers(getComputedStyle(one).backgroundColor);
    return colour[3] === 0 ? behind(one.parentElement) : colour;
  };
  const ratio = one => {
    const both = [light(numbers(getComputedStyle(one).color)), light(behind(one))];
    return (Math.max(...both) + 0.05) / (Math.min(...both) + 0.05);
  };
  const written = one => [...one.childNodes].some(node => node.nodeType === 3 && node.data.trim());
  return [...document.querySelectorAll("body *")]
    .filter(one => one.checkVisibility() && written(one) && ratio(one) < 4.5)
    .map(one => one.textContent.slice(0, 40));
}"""
DROP = """() => {
  const transfer = new DataTransfer(); %s;
  const drop = new DragEvent("drop", {dataTransfer: transfer, bubbles: true, cancelable: true});
  document.body.dispatchEvent(drop);
}"""


def answer(question, documents):
    """Every place of the question's last word in the documents; what is refused begins with "refuse"."""
    word = question.rstrip("?").split()[-1]
    places = []
    for document in documents:
        start = document["text"].find(word)
        while start >= 0:
            places.append({"text": word, "document": document["id"], "start": start, "end": start + len(word)})
            start = document["text"].find(word, start + len(word))
    for place in places:
        place["probability"] = 0.9 / 2 ** places.index(place)
    none = {"text": "", "document": None, "start": 0, "end": 0, "probability": 0.8}
    best, *others = places or [none]
    return {"question": question, **best, "alternatives": others[:5]}


def policy_of(page):
    """Nothing runs but the page's one script, and nothing is asked but its own server."""
    (script,) = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    known = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return (
        f"default-src 'none'; script-src 'sha256-{known}'; style-src 'unsafe-inline'; img-src data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


class Fake(BaseHTTPRequestHandler):
    """Answers as the contract says, and refuses as it says."""

    def log_message(self, *arguments):
        pass

    def send(self, status, body, kind="application/json", headers=()):
        self.send_response(status)
        for name, value in (("Content-Type", kind), ("Content-Length", len(body)), *headers):
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(body)

    def refuse(self, status, message, headers=()):
        error = {"code": "refused", "message": message, "request_id": "r-17"}
        self.send(status, json.dumps({"error": error}).encode(), headers=headers)

    def do_GET(self):
        if self.path == "/":
            policy = ("Content-Security-Policy", policy_of(PAGE.read_text("utf-8")))
            self.send(200, PAGE.read_bytes(), "text/html; charset=utf-8", [policy])
        elif self.path == "/info":
            self.send(200, json.dumps({"model": {"name": "fake"}, "limits": {"max_body": 100_000}}).encode())
        else:
            self.send(200, b'{"status": "ok"}')

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append(asked)
        question = asked["question"]
        if question == "key" and self.headers["Authorization"] != "Bearer secret":
            self.refuse(401, "wrong key")
        elif question == "slow":
            self.server.stopped.wait(60)
            self.refuse(429, "nobody waits for this")
        elif question == "long":
            self.refuse(422, "the question has 600 pieces, the reader's window 384")
        elif question == "busy":
            self.refuse(429, "the queue is full", [("Retry-After", 7)])
        elif question == "proxy":
            self.send(502, b"<html>Bad Gateway</html>", "text/html")
        else:
            body = {
                "answers": [answer(question, asked["documents"])],
                "model": {"name": "fake"},
                "remarks": ["a remark"],
            }
            self.send(200, json.dumps(body).encode())


@pytest.fixture(scope="module")
def server():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Fake)
    server.asked, server.stopped = [], threading.Event()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(browser, server):
    """The page on a desktop; nothing may go wrong in it, and it may ask nothing of any other server."""
    context = browser.new_context(viewport=DESKTOP, reduced_motion="reduce")
    page = context.new_page()
    page.set_default_timeout(60_000)
    wrong, home = [], f"http://127.0.0.1:{server.server_port}/"
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda said: wrong.append(said.text) if "Content Security Policy" in said.text else None)
    page.on("request", lambda sent: None if sent.url.startswith((home, "data:")) else wrong.append(sent.url))
    page.goto(home, wait_until="networkidle")
    yield page
    context.close()
    assert wrong == []


def ask(page, question, text=None):
    if text is not None:
        if page.get_by_role("button", name="Edit").is_visible():
            page.get_by_role("button", name="Edit").click()
        page.get_by_role("textbox", name="Text", exact=True).fill(text)
    page.get_by_label("Question").fill(question)
    page.get_by_label("Question").press("Enter")


def shown(page):
    """What is marked in the text."""
    page.wait_for_selector("#answer:not([aria-busy=true]):visible")
    return page.locator("mark.shown").all_text_contents()


def in_view(page, selector):
    """Whether the first such element lies in the part of the text that is scrolled to."""
    inner, outer = (page.locator(one).first.bounding_box() for one in (selector, "#reading"))
    return outer["y"] <= inner["y"] and inner["y"] + inner["height"] <= outer["y"] + outer["height"]


def test_an_answer_is_marked_in_its_place_and_scrolled_to(page):
    ask(page, "Where is Arnfeld?", "Nothing here.\n" * 300 + MILL)
    assert shown(page) == ["Arnfeld"]
    assert in_view(page, "mark.shown")
    for words in ("90 %, very likely right", "a remark"):
        assert words in page.locator("#answer").inner_text()
    assert "Answer: Arnfeld. 90 %" in page.get_by_role("status").inner_text()
    assert page.locator("#reading").inner_text().count("Nothing here.") == 300


def test_alternatives_are_shown_by_mouse_and_by_keyboard(page):
    ask(page, "What was in 1951?", MILL.replace("Until", "Rye.\n" * 100 + "Until"))
    assert shown(page) == ["1951"]
    places = page.locator("mark")
    assert places.count() == 2
    marked = "[...document.querySelectorAll('mark')].findIndex(one => one.classList.contains('shown'))"
    page.locator(".candidate").nth(1).hover()
    assert page.evaluate(marked) == 1
    page.get_by_label("Question").hover()
    assert page.evaluate(marked) == 0
    page.get_by_label("Question").focus()
    page.keyboard.press("Tab")  # Ask
    page.keyboard.press("Tab")  # the answer
    page.keyboard.press("ArrowDown")
    assert page.evaluate(marked) == 1
    assert in_view(page, "mark.shown")
    page.keyboard.press("ArrowUp")
    assert page.evaluate(marked) == 0


def test_no_answer_is_said_plainly(page):
    ask(page, "Where is Atlantis?", MILL)
    page.get_by_text("No answer in this text", exact=True).wait_for()
    assert shown(page) == []
    assert "80 %, likely not there" in page.locator("#answer").inner_text()


def test_offsets_are_code_points(page, server):
    text = "🦊🦊 and 👩‍👩‍👧 met e\u0301mile 𠮷野 at 家 🏠 then"
    ask(page, "Who? 𠮷野", text)
    assert shown(page) == ["𠮷野"]
    assert page.locator("#reading .content").text_content() == text
    assert server.asked[-1]["documents"] == [{"id": "1", "text": text}]


def test_a_text_is_never_html(page):
    text = "<script>document.title = 'x'</script><img src=x onerror=\"document.title = 'x'\"> &amp; <b>here</b>"
    ask(page, "<b>here</b>", text)
    assert shown(page) == ["<b>here</b>"]
    assert page.locator("#reading .content").text_content() == text
    assert page.locator("main script, main img, main b").count() == 0
    assert page.title() == "Ask a text · polyspan"


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("long", "the question has 600 pieces, the reader's window 384"),
        ("busy", "The server is busy. Try again in 7 seconds."),
        ("proxy", "The server’s answer cannot be read (status 502)."),
    ],
)
def test_an_error_is_told_in_words(page, question, words):
    ask(page, question, MILL)
    page.get_by_role("alert").get_by_text(words).wait_for()
    assert "{" not in page.get_by_role("alert").inner_text()
    ask(page, "Where is Arnfeld?")
    assert shown(page) == ["Arnfeld"]
    assert page.locator("#problem").is_hidden()


def test_without_a_text_or_a_question(page):
    ask(page, "Who?")
    page.get_by_role("alert").get_by_text("There is no text yet").wait_for()
    ask(page, " ", MILL)
    page.get_by_role("alert").get_by_text("Write a question first.").wait_for()
    ask(page, "Who?", "x" * 100_000)
    page.get_by_role("alert").get_by_text("is the most").wait_for()


def test_a_question_can_be_stopped(page, server):
    ask(page, "slow", MILL)
    page.get_by_role("button", name="Stop").click()
    page.get_by_role("status").get_by_text("Stopped.").wait_for()
    server.stopped.set()
    ask(page, "Where is Arnfeld?")
    assert shown(page) == ["Arnfeld"]


def test_a_lost_server_is_told_and_found_again(page):
    page.context.set_offline(True)
    ask(page, "Where is Arnfeld?", MILL)
    page.get_by_role("alert").get_by_text("The server cannot be reached.").wait_for()
    page.context.set_offline(False)
    page.get_by_role("status").get_by_text("The server is back.").wait_for()
    page.get_by_role("button", name="Ask").click()
    assert shown(page) == ["Arnfeld"]


def test_a_key_is_asked_for_where_the_server_wants_one(page):
    key = page.get_by_label("API key of this server")
    assert key.is_hidden()
    ask(page, "key", "A key to the house.")
    key.fill("wrong")
    key.press("Enter")
    page.get_by_role("alert").get_by_text("does not accept this API key").wait_for()
    key.fill("secret")
    key.press("Enter")
    assert shown(page) == ["key"]
    assert key.is_hidden()


def test_files_are_read_as_utf_8_and_removed(page, server, tmp_path):
    for name, content in (("one.txt", "Eins 🦊.\r\n".encode()), ("two.txt", "다리는 1840년에".encode())):
        (tmp_path / name).write_bytes(content)
    (tmp_path / "latin.txt").write_bytes("Müller".encode("latin-1"))
    (tmp_path / "binary").write_bytes(b"a\0b")
    (tmp_path / "empty.txt").write_bytes(b"")
    (tmp_path / "big.txt").write_bytes(b"x" * 100_001)
    page.set_input_files("#add", sorted(tmp_path.iterdir()))
    page.get_by_role("alert").get_by_text("latin.txt").wait_for()
    said = page.get_by_role("alert").inner_text()
    for words in (
        "latin.txt is not text in UTF-8",
        "binary is not a text file",
        "empty.txt is empty",
        "big.txt has 101 kB",
    ):
        assert words in said
    ask(page, "1840")
    assert shown(page) == ["1840"]
    assert "in two.txt" in page.locator("#answer").inner_text()
    assert [one["text"] for one in server.asked[-1]["documents"]] == ["Eins 🦊.\r\n", "다리는 1840년에"]
    page.get_by_role("button", name="Edit").click()
    page.keyboard.type("In 1841")  # the field stays while it is written in
    ask(page, "1841")
    assert shown(page) == ["1841"]
    assert "in Your text" in page.locator("#answer").inner_text()
    page.get_by_role("button", name="Remove two.txt").click()
    assert page.locator("#answer").is_hidden()
    assert page.evaluate("document.activeElement.ariaLabel") == "Remove one.txt"


TWO_FILES = "for (const name of ['a', 'b']) transfer.items.add(new File(['a fox'], name))"


@pytest.mark.parametrize(("dropped", "texts"), [(TWO_FILES, 2), ("transfer.setData('text', 'a fox')", 1)])
def test_what_is_dropped_is_read(page, dropped, texts):
    page.evaluate(DROP % dropped)
    page.wait_for_function(f"documents().length === {texts}")
    ask(page, "fox")
    assert shown(page) == ["fox"]
    assert page.locator("#reading .content").count() == texts


def test_right_to_left_and_han(page):
    ask(page, "أين القاهرة", "تقع المدينة عند القاهرة اليوم.\nA line in English: القاهرة.\n")
    assert shown(page) == ["القاهرة"]
    content = page.locator("#reading .content")
    assert content.get_attribute("lang") == "ar"
    assert content.evaluate("one => getComputedStyle(one).direction") == "rtl"
    assert page.get_by_label("Question").evaluate("one => getComputedStyle(one).direction") == "rtl"
    box, mark = content.bounding_box(), page.locator("mark").nth(1).bounding_box()
    assert mark["x"] < box["x"] + box["width"] / 2  # the English line begins at the left
    for text, code in (
        ("这座桥建于一七八六年。", "zh"),
        ("橋は1786年にできた。", "ja"),
        ("다리는 오래되었다.", "ko"),
    ):
        ask(page, text[:2], text)
        page.wait_for_selector(f"#reading .content[lang={code}]")


def test_an_example_is_asked_at_once_and_own_text_is_not_lost(page, server):
    examples = page.get_by_role("list", name="Examples").get_by_role("button")
    for index in range(examples.count()):
        examples.nth(index).click()
        shown(page)
    asked = server.asked[-examples.count() :]
    assert len({one["question"] for one in asked}) == examples.count() >= 3
    ask(page, "Arnfeld", MILL)
    assert shown(page) == ["Arnfeld"]
    page.once("dialog", lambda dialog: dialog.dismiss())
    examples.first.click()
    assert page.get_by_label("Question").input_value() == "Arnfeld"
    assert page.locator("#reading").text_content() == MILL


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_nothing_is_wider_than_the_screen_and_all_is_legible(page, viewport, scheme):
    page.set_viewport_size(viewport)
    page.emulate_media(color_scheme=scheme)
    wide = "document.documentElement.scrollWidth - innerWidth"
    assert page.evaluate(wide) <= 0
    ask(page, "1951", MILL + " " + "longword" * 90)
    assert shown(page) == ["1951"]
    assert page.evaluate(wide) <= 0
    assert page.evaluate(FAINT) == []
    assert in_view(page, "mark.shown")
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("list", name="Examples").get_by_role("button").first.click()
    page.get_by_text("No answer in this text", exact=True).wait_for()
    for seen in ("#reading", "#question", ".best"):
        box = page.locator(seen).first.bounding_box()
        assert 0 <= box["y"] < viewport["height"] - box["height"], seen
    ask(page, "busy")
    page.get_by_role("alert").get_by_text("busy").wait_for()
    assert page.evaluate(wide) <= 0
    assert page.evaluate(FAINT) == []


def test_every_control_has_a_name_and_tab_goes_down_the_page(page):
    ask(page, "1951", MILL)
    shown(page)
    page.get_by_role("list", name="Examples").get_by_role("button").last.focus()
    names = []
    while len(names) < 20 and "body" not in names:
        page.keyboard.press("Tab")
        names.append(page.evaluate(FOCUSED))
    first = ["Edit", "Clear", "Add files…", "The text with the answer marked", "Question", "Ask"]
    assert names[: len(first)] == first
    assert names[len(first)].startswith("1951")
    assert names[len(first) + 1] == "body"
