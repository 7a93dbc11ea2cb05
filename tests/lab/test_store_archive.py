"""Archives of a store: what is taken in is whole and as it was written; what is not is told in one message."""

import hashlib
import io
import json
import os
import tarfile

import pytest

from polyspan.errors import PolyspanError, UsageError
from polyspan.lab.carrying import export_store, import_store, report_archive
from polyspan.lab.engine.execution import Job, execute
from polyspan.lab.engine.schedule import take_stock
from polyspan.lab.stage import Stage
from polyspan.lab.store.archive import MANIFEST
from polyspan.lab.store.lease import Lease
from polyspan.lab.store.leaving_out import without
from polyspan.lab.store.places import anywhere, here, moved
from polyspan.lab.store.store import RECORD, Store, write_record
from polyspan.lab.work import WORK

ONE = Stage("nothing", "one", {"a": 1})
TWO = Stage("nothing", "two", {"a": 2}, {"before": ONE})


def made(folder, *stages):
    store = Store(folder)
    store.prepare()
    for stage in stages:
        execute(stage, Job(store))
    return store


@pytest.fixture
def archive(tmp_path):
    """An archive of two outputs."""
    made(tmp_path / "store", ONE, TWO)
    export_store(tmp_path / "two.tar.gz", store=tmp_path / "store")
    return tmp_path / "two.tar.gz"


def rewritten(archive, change, out):
    """The archive with its files, by name, changed, and its list with them unless that was changed itself."""
    with tarfile.open(archive) as tar:
        entries = {one.name: tar.extractfile(one).read() for one in tar}
    listed = json.loads(entries.pop(MANIFEST))
    more = change(entries, listed) or []
    with tarfile.open(out, "w:gz") as tar:
        for name, content in {MANIFEST: json.dumps(listed).encode(), **entries}.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
        for entry in more:
            tar.addfile(entry)
    return out


def listed_anew(entries, listed):
    for name, content in entries.items():
        listed["files"][name] = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def refused(archive, folder, *words):
    """The import's message has the words, and nothing is in the store, nor half of anything."""
    with pytest.raises(PolyspanError) as error:
        import_store(archive, store=folder / "into")
    assert all(word in str(error.value) for word in (archive.name, *words)), error.value
    assert not any(
        (folder / "into" / part / name) for part in ("stages", "partial") for name in _names(folder, part)
    )


def _names(folder, part):
    return os.listdir(folder / "into" / part)


@pytest.mark.parametrize("ending", [".tar.zst", ".tar.xz", ".tar.gz"])
def test_there_and_back(ending, tmp_path):
    store = made(tmp_path / "store", ONE, TWO)
    done = export_store(tmp_path / f"two{ending}", store=store.folder)
    assert (done["stages"], done["missing"]) == (2, {})
    found = import_store(tmp_path / f"two{ending}", store=tmp_path / "into")
    assert (found["stages"], found["new"], found["there"]) == (2, 2, 0)
    into = Store(tmp_path / "into")
    for stage in (ONE, TWO):
        assert into.damage(stage) is None
        record, there = into.record(stage), store.record(stage)
        assert {name: record[name] for name in ("files", "options", "needs", "versions", "seconds")} == {
            name: there[name] for name in ("files", "options", "needs", "versions", "seconds")
        }
        assert "command" not in record
        assert "host" not in record["machine"]
    assert import_store(tmp_path / f"two{ending}", store=tmp_path / "into")["there"] == 2
    assert os.listdir(tmp_path / "into" / "partial") == []


def test_an_archive_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    made(tmp_path / "store", ONE)
    monkeypatch.setattr(tarfile.TarFile, "addfile", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left")))
    with pytest.raises(PolyspanError, match="cannot write"):
        export_store(tmp_path / "one.tar.gz", store=tmp_path / "store")
    assert os.listdir(tmp_path) == ["store"]


def test_what_is_damaged_is_not_exported(tmp_path):
    store = made(tmp_path / "store", ONE, TWO)
    (store.path(ONE) / "nothing.json").write_text("[]" * 5)
    assert export_store(tmp_path / "one.tar.gz", store=store.folder)["stages"] == 1
    (store.path(TWO) / "nothing.json").unlink()
    with pytest.raises(PolyspanError, match="nothing to export"):
        export_store(tmp_path / "none.tar.gz", store=store.folder)


def test_calls_that_cannot_be(tmp_path):
    made(tmp_path / "store", ONE)
    with pytest.raises(UsageError, match="ending"):
        export_store(tmp_path / "one.zip", store=tmp_path / "store")
    with pytest.raises(UsageError, match="none is named"):
        export_store(tmp_path / "one.tar.gz", store=tmp_path / "store", without_text=True)
    with pytest.raises(PolyspanError, match="cannot read"):
        import_store(tmp_path / "not-there.tar.gz", store=tmp_path / "into")
    with pytest.raises(PolyspanError, match="no archive of a store"):
        import_store(tmp_path / "store" / "store.json", store=tmp_path / "into")


@pytest.mark.parametrize("ending", [".tar.zst", ".tar.xz", ".tar.gz"])
def test_an_archive_cut_short(ending, tmp_path):
    made(tmp_path / "store", ONE, TWO)
    export_store(tmp_path / f"two{ending}", store=tmp_path / "store")
    content = (tmp_path / f"two{ending}").read_bytes()
    cut = tmp_path / f"cut{ending}"
    for length in range(8, len(content) - 1, len(content) // 12):
        cut.write_bytes(content[:length])
        refused(cut, tmp_path)


def test_an_archive_with_a_changed_file(archive, tmp_path):
    name = f"stages/{ONE.key}/nothing.json"

    def change(entries, _):
        entries[name] = b'{"a":  2}'[: len(entries[name])].ljust(len(entries[name]))

    refused(rewritten(archive, change, tmp_path / "changed.tar.gz"), tmp_path, name, "another content")

    def change_both(entries, listed):
        change(entries, listed)
        listed_anew(entries, listed)

    refused(rewritten(archive, change_both, tmp_path / "both.tar.gz"), tmp_path, ONE.key, "its record")


def test_a_record_that_is_not_of_its_key(archive, tmp_path):
    def change(entries, listed):
        name = f"stages/{ONE.key}/{RECORD}"
        entries[name] = entries[name].replace(b'"options": {"a": 1}', b'"options": {"a": 3}')
        listed_anew(entries, listed)

    refused(rewritten(archive, change, tmp_path / "changed.tar.gz"), tmp_path, ONE.key, "its record")


def test_an_archive_of_a_newer_form(archive, tmp_path):
    def change(_, listed):
        listed |= {"format": 2, "polyspan": "9.0"}

    newer = rewritten(archive, change, tmp_path / "newer.tar.gz")
    refused(newer, tmp_path, "newer polyspan", "form 2, of polyspan 9.0", "update polyspan")


@pytest.mark.parametrize(
    "name", ["../out", "/tmp/out", f"stages/{ONE.key}/../../out", "stages/x/y", "C:/x", "store.json"]
)
def test_names_that_lead_elsewhere(name, archive, tmp_path):
    def change(entries, listed):
        entries[name] = b"out"
        listed_anew(entries, listed)

    refused(rewritten(archive, change, tmp_path / "out.tar.gz"), tmp_path, "no file of a store has")

    def unlisted(entries, _):
        entries[name] = b"out"

    refused(rewritten(archive, unlisted, tmp_path / "more.tar.gz"), tmp_path, "not in its list")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE])
def test_links_and_what_is_no_file(kind, archive, tmp_path):
    def change(_, __):
        entry = tarfile.TarInfo(f"stages/{ONE.key}/more")
        entry.type, entry.linkname = kind, "/etc/passwd"
        return [entry]

    refused(rewritten(archive, change, tmp_path / "link.tar.gz"), tmp_path, "a link or no file")


def test_bombs(archive, tmp_path):
    name = f"stages/{ONE.key}/more"

    def announced(_, listed):
        listed["files"][name] = {"bytes": 10**12, "sha256": "0" * 64}

    refused(rewritten(archive, announced, tmp_path / "bomb.tar.gz"), tmp_path, "at most may")

    def hidden(entries, _):
        entries[name] = bytes(300_000_000 // 100)

    refused(rewritten(archive, hidden, tmp_path / "bomb.tar.gz"), tmp_path, "not in its list")

    def in_the_head(_, listed):
        listed["files"] = {name: {"bytes": -5, "sha256": "0" * 64} for name in listed["files"]}

    refused(rewritten(archive, in_the_head, tmp_path / "bomb.tar.gz"), tmp_path, "at most may")


@pytest.mark.parametrize(
    "listed", [[], {"format": 1}, {"format": "1", "files": {}}, {"format": 1, "files": {"a": 1}}]
)
def test_a_list_that_is_none(listed, tmp_path):
    with tarfile.open(tmp_path / "odd.tar.gz", "w:gz") as tar:
        content = json.dumps(listed).encode()
        entry = tarfile.TarInfo(MANIFEST)
        entry.size = len(content)
        tar.addfile(entry, io.BytesIO(content))
    refused(tmp_path / "odd.tar.gz", tmp_path)


def test_two_archives_that_disagree(archive, tmp_path, monkeypatch):
    def other(options, _, out):
        (out / "nothing.json").write_text(json.dumps({"made": "elsewhere"} | dict(options)))

    monkeypatch.setitem(WORK, "nothing", other)
    store = made(tmp_path / "other", ONE)
    three = Stage("nothing", "three", {"a": 3})
    made(tmp_path / "other", three)
    export_store(tmp_path / "other.tar.gz", store=store.folder)
    import_store(archive, store=tmp_path / "into")
    before = (Store(tmp_path / "into").path(ONE) / "nothing.json").read_bytes()
    with pytest.raises(PolyspanError) as error:
        import_store(tmp_path / "other.tar.gz", store=tmp_path / "into")
    assert "disagree on 1 stage" in str(error.value)
    assert "one: other content" in str(error.value)
    assert "the store is as it was" in str(error.value)
    assert (Store(tmp_path / "into").path(ONE) / "nothing.json").read_bytes() == before
    assert not Store(tmp_path / "into").has(three)  # all or none


def test_what_a_killed_import_left_is_removed_by_the_next(archive, tmp_path):
    store = made(tmp_path / "into")
    left = store.folder / "partial" / "import" / "out.7"
    left.mkdir(parents=True)
    (left / "half").write_text("x")
    (path,) = [one.path for one in store.garbage(set())]
    assert path == left.parent
    assert import_store(archive, store=store.folder)["new"] == 2
    assert store.garbage({ONE.key, TWO.key}) == []


def test_one_import_at_a_time(archive, tmp_path):
    store = made(tmp_path / "into")
    lease = Lease.take(store.folder / "partial" / "import")
    with lease, pytest.raises(PolyspanError, match="another process is importing"):
        import_store(archive, store=store.folder)


def test_an_archive_without_a_recipe_has_no_report(archive, tmp_path, run):
    with pytest.raises(PolyspanError, match="no recipe to report"):
        report_archive(archive, tmp_path / "report")
    code, _, err = run("report", archive)
    assert (code, "polyspan store export OUT.tar.zst RECIPE" in err) == (1, True)
    code, _, err = run("report", tmp_path, "--out", tmp_path / "report")
    assert (code, "--out is for the report of an archive" in err) == (2, True)
    assert not (tmp_path / "report").exists()


@pytest.mark.parametrize("plan", [[], {"stages": []}, {"stages": {"a": {"needs": {"before": "a"}}}}, "["])
def test_a_plan_that_is_none(plan, archive, tmp_path):
    def change(entries, listed):
        entries["plans/odd.json"] = plan.encode() if isinstance(plan, str) else json.dumps(plan).encode()
        listed_anew(entries, listed)

    odd = rewritten(archive, change, tmp_path / "odd.tar.gz")
    with pytest.raises(PolyspanError, match=r"plan that cannot be read"):
        report_archive(odd, tmp_path / "report")
    refused(odd, tmp_path)


def test_a_part_is_enough_until_it_is_read(tmp_path):
    store = made(tmp_path / "store", ONE, TWO)
    part = without(store.record(ONE), lambda name: name == "nothing.json")
    (store.path(ONE) / "nothing.json").unlink()
    write_record(store.path(ONE), part)
    assert store.has(ONE)
    assert list(store.lacks(ONE)) == ["nothing.json"]
    assert take_stock([ONE, TWO], store).todo == []
    three = Stage("nothing", "three", {"a": 3}, {"before": ONE})
    stock = take_stock([ONE, TWO, three], store)
    assert [stage.name for stage in stock.todo] == ["one", "three"]
    assert stock.damaged[ONE.key] == "imported without other files, and read now"
    assert execute(ONE, Job(store)).state == "made"
    assert not store.lacks(ONE)
    assert store.damage(ONE) is None


def test_an_archive_with_more_completes_a_part(archive, tmp_path):
    into = made(tmp_path / "into", ONE, TWO)
    part = without(into.record(ONE), lambda name: name == "nothing.json")
    (into.path(ONE) / "nothing.json").unlink()
    write_record(into.path(ONE), part)
    done = import_store(archive, store=into.folder)
    assert (done["completed"], done["there"], done["new"]) == (1, 1, 0)
    assert not into.lacks(ONE)
    assert into.damage(ONE) is None


def test_keys_where_the_data_lie_elsewhere(tmp_path, monkeypatch):
    def stages(folder):
        corpus = Stage(
            "nothing",
            "corpus",
            {"data": f"make:part({folder}/a.json, side=rest)"},
            {},
            0,
            0,
            {f"{folder}/a.json": "0"},
        )
        return [corpus, Stage("nothing", "baseline", {}, {"test": corpus})]

    for name in ("here", "there"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("POLYSPAN_DATA", str(tmp_path / "here"))
    monkeypatch.setenv("LIMIT", "100")
    made(tmp_path / "store", *stages(tmp_path / "here"))
    export_store(tmp_path / "both.tar.gz", store=tmp_path / "store")
    monkeypatch.delenv("POLYSPAN_DATA")
    with pytest.raises(PolyspanError, match="POLYSPAN_DATA: not set here"):
        import_store(tmp_path / "both.tar.gz", store=tmp_path / "into")
    monkeypatch.setenv("POLYSPAN_DATA", str(tmp_path / "there") + "/")
    import_store(tmp_path / "both.tar.gz", store=tmp_path / "into")
    assert all(Store(tmp_path / "into").has(stage) for stage in stages(tmp_path / "there"))
    assert not any(Store(tmp_path / "into").has(stage) for stage in stages(tmp_path / "here"))
    text = f'"{tmp_path}/there/a.json" "{tmp_path}/there-too" "/x{tmp_path}/there/a" 100'
    told = anywhere(text, ["POLYSPAN_DATA", "LIMIT", "NOT_SET"])
    assert told == f'"${{POLYSPAN_DATA}}/a.json" "{tmp_path}/there-too" "/x{tmp_path}/there/a" 100'
    assert here(told) == text
    alone = {TWO.key: TWO.definition}  # what it needs is not there
    assert moved(alone, str)[TWO.key]["key"] == TWO.key
