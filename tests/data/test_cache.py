"""The cache: entries for all runs, one limit, listed and emptied."""

import pytest

from polyspan.data import cache
from polyspan.data.cache import Shelf, empty, listing
from polyspan.errors import UsageError
from polyspan.files import cache_folder


def test_entries_stay_apart_and_the_first_one_holds():
    one, two = Shelf("parses", "x 1"), Shelf("parses", "x 2")
    one.put({"a": b"1", "b": b"2"})
    two.put({"a": b"3"})
    one.put({"a": b"4"})
    assert one.get(["a", "b", "c"]) == {"a": b"1", "b": b"2"}
    one.put({"a": b"4"}, again=True)
    assert Shelf("parses", "x 1").get(["a"]) == {"a": b"4"}
    assert two.get(["a"]) == {"a": b"3"}
    many = {str(number): b"" for number in range(1200)}
    one.put(many)
    assert one.get(list(many)) == many


def test_what_was_used_longest_ago_goes_first(monkeypatch):
    monkeypatch.setenv("POLYSPAN_CACHE_LIMIT", "0.001")
    now = 1e9
    monkeypatch.setattr(cache.time, "time", lambda: now)
    shelf, other = Shelf("windows"), Shelf("translations", "engine")
    for number in range(8):
        now += 100_000
        shelf.put({str(number): bytes(100_000)})
        assert shelf.get(["0"])  # used again and again
    now += 100_000
    other.put({"new": bytes(300_000)})
    kept = shelf.get([str(number) for number in range(8)])
    assert "0" in kept
    assert "7" in kept
    assert "1" not in kept
    assert other.get(["new"])
    assert sum(row["bytes"] for row in listing()) < 1e6
    monkeypatch.setenv("POLYSPAN_CACHE_LIMIT", "much")
    with pytest.raises(UsageError, match="POLYSPAN_CACHE_LIMIT"):
        shelf.put({"a": b""})


def test_it_is_listed_and_emptied(monkeypatch, run):
    assert listing() == []
    assert empty() == 0
    Shelf("windows").put({"a": b"12345"})
    Shelf("parses", "x").put({"ab": b"12"})
    old = cache_folder() / "parses" / "x.jsonl"
    old.parent.mkdir()
    old.write_text("{}")
    rows = {row["room"]: (row["entries"], row["bytes"]) for row in listing()}
    assert rows == {"windows": (1, 6), "parses": (1, 4), "older versions": (1, 2)}
    code, out, _ = run("store", "ls")
    assert code == 0
    assert "windows (cache)" in out
    assert "windows" not in run("store", "ls", "--store", cache_folder() / "other")[1]
    run("store", "gc", "--days", "1", "--yes")
    assert {row["room"] for row in listing()} == {"windows", "parses"}  # both are in use
    run("store", "gc", "--days", "0")
    assert {row["room"] for row in listing()} == {"windows", "parses"}
    code, out, _ = run("store", "gc", "--days", "0", "--yes")
    assert "set free" in out
    assert listing() == []
    assert not old.exists()
