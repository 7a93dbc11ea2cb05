"""Results carried between machines: outputs exported into an archive, imported from one, or reported from it."""

import contextlib
import json
import re
import shutil
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from graphlib import CycleError
from pathlib import Path
from typing import Any

from polyspan.errors import PolyspanError, UsageError
from polyspan.files import Source, sha256
from polyspan.lab.plan.plan import Plan, plan
from polyspan.lab.plan.written_plan import read_plan, written_plan
from polyspan.lab.recipe.recipe import Recipe
from polyspan.lab.recipe.recipe_file import read_recipe
from polyspan.lab.run import alone, command_of, described, open_store
from polyspan.lab.stage import key_of
from polyspan.lab.store.archive import described as described_file
from polyspan.lab.store.archive import require_suffix, unpack, write_archive
from polyspan.lab.store.lease import Lease
from polyspan.lab.store.leaving_out import is_text, is_weights, without
from polyspan.lab.store.places import DATA, anywhere, here, is_placed, moved, variables
from polyspan.lab.store.store import RECORD, Kept, Store, write_record

_ENTRY = "import"  # where an archive is unpacked, among what is being made
_KEY = re.compile("[0-9a-f]{64}")
Records = dict[str, dict[str, Any]]
"""Records of outputs by key."""


def export_store(
    out: Source,
    recipes: Sequence[Source] = (),
    changes: Sequence[str] = (),
    *,
    store: Source | None = None,
    without_weights: bool = False,
    without_text: bool = False,
) -> dict[str, Any]:
    """Write the outputs of recipes' stages, as far as they are in the store, into an archive; without recipes, all
    that is in the store. The archive's name ends in `.tar.zst`, `.tar.xz` or `.tar.gz`.

    `changes` are as in `run`. With a recipe the archive can be reported by itself. `without_weights` leaves
    Readers, encoders and word vectors out, `without_text` the words of corpora and answers: a report then has no
    examples. What lies in the folder POLYSPAN_DATA, or in one that a recipe names by another variable, is found
    again where the variable has another value. Returns what was written, and of each recipe what is `missing`.
    Raises UsageError for another ending and for `without_text` without a recipe, PolyspanError where nothing is to
    be exported.
    """
    require_suffix(out)
    if not recipes and (changes or without_text):
        raise UsageError("--set and --without-text are for the report of a recipe, and none is named")

    def leave(name: str) -> bool:
        return (without_weights and is_weights(name)) or (without_text and is_text(name))

    kept = open_store(store)
    asked = [(read_recipe(one, changes), command_of(_named(one), None, changes, None)) for one in recipes]
    planned = [(recipe, plan(recipe), command) for recipe, command in asked]
    names = [recipe.name for recipe, _, _ in planned]
    if len(set(names)) < len(names):
        raise UsageError("recipes of one name cannot be in one archive", found=", ".join(names))
    wanted = [stage.key for _, one, _ in planned for stage in one.stages] if planned else kept.keys()
    records = {key: kept.record(Kept(key)) for key in dict.fromkeys(wanted) if _is_sound(kept, Kept(key), leave)}
    records = {key: one for key, one in records.items() if _is_true(key, one)}
    if not records:
        fix = "name the store that the recipe was run in, or run it" if planned else "name another store"
        raise PolyspanError("there is nothing to export", where=str(kept.folder), fix=fix)
    extra = _instead_of_text(kept, [one for _, one, _ in planned], set(records)) if without_text else {}
    packed = _Packed(kept, {DATA, *(name for one, _, _ in planned for name in variables(one.model_dump_json()))})
    packed.pack(records, [one for _, one, _ in planned], leave, extra)
    for recipe, one, command in planned:
        packed.add_plan(recipe, one, command)
    facts = {"without": [name for name, is_so in (("weights", without_weights), ("text", without_text)) if is_so]}
    size = write_archive(out, packed.files, facts)
    lost = {
        one.recipe.name: [stage.name for stage in one.stages if stage.key not in records] for _, one, _ in planned
    }
    return {"archive": str(out), "bytes": size, "stages": len(records), **facts, "missing": lost}


def _named(recipe: Source) -> Source:
    """A recipe's name, or that of its file without the folder, which is one of this machine."""
    return Path(recipe).name if Path(recipe).is_file() else recipe


def _is_sound(store: Store, stage: Kept, leave: Callable[[str], bool]) -> bool:
    """Whether an output is there, and what is not left of it has the content that was written."""
    return store.fault(stage) is None and all(
        sha256(store.path(stage) / name) == known["sha256"]
        for name, known in store.record(stage)["files"].items()
        if not leave(name)
    )


def _is_true(key: str, record: Mapping[str, Any]) -> bool:
    """Whether a record gives the key that it is under: those of earlier versions do not, and no run finds them."""
    try:
        return key_of(record) == key
    except (KeyError, TypeError, ValueError):
        return False


class _Packed:
    """The files of an archive, with `${NAME}` for the paths of variables in all that a key is made of."""

    def __init__(self, store: Store, names: Collection[str]) -> None:
        self.store, self.names = store, names
        self.files: dict[str, Path | bytes] = {}
        self._keys: dict[str, str] = {}

    def pack(
        self,
        records: Records,
        plans: Sequence[Plan],
        leave: Callable[[str], bool],
        extra: Mapping[str, dict[str, bytes]],
    ) -> None:
        """Add outputs, without the files to `leave` and with `extra` ones."""
        definitions = {stage.key: stage.definition for one in plans for stage in one.stages} | records
        placed = moved(definitions, lambda text: anywhere(text, self.names))
        self._keys = {key: one["key"] for key, one in placed.items()}
        for key in records:
            record = without(placed[key], leave)
            record["machine"] = {name: fact for name, fact in record.get("machine", {}).items() if name != "host"}
            record.pop("command", None)  # where it was made, and from which files
            found: dict[str, Path | bytes] = {name: self.store.path(Kept(key)) / name for name in record["files"]}
            for name in filter(is_placed, record["files"]):
                text = (self.store.path(Kept(key)) / name).read_text("utf-8")
                found[name] = anywhere(text, self.names).encode()
            found |= extra.get(key, {})
            record["files"] |= {
                name: described_file(file) for name, file in found.items() if isinstance(file, bytes)
            }
            found[RECORD] = _json(record)
            self.files |= {f"stages/{record['key']}/{name}": file for name, file in found.items()}

    def add_plan(self, recipe: Recipe, planned: Plan, command: str) -> None:
        """Add the plan of a recipe, for a report where it cannot be planned."""
        text = anywhere(json.dumps(written_plan(recipe, planned, command), ensure_ascii=False), self.names)
        text = _KEY.sub(lambda found: self._keys.get(found[0], found[0]), text)
        self.files[f"plans/{recipe.name}.json"] = text.encode()


def _instead_of_text(store: Store, plans: Sequence[Plan], done: set[str]) -> dict[str, dict[str, bytes]]:
    """What a report computes from text, for outputs that are without it: files by key and name."""
    from polyspan.lab.results.gathered import QUESTIONS, Gathered, scores_by
    from polyspan.lab.results.numbers import Numbers
    from polyspan.lab.work.answers import written_scores

    found: dict[str, dict[str, bytes]] = {}
    for one in plans:
        with tempfile.TemporaryDirectory() as folder:
            gathered = Gathered(store, Path(folder), frozenset(done))
            for corpus in {cell.corpus.key: cell.corpus for cell in one.cells if cell.corpus.key in done}.values():
                found.setdefault(corpus.key, {})[QUESTIONS] = _json(gathered.groups(corpus))
            _ = Numbers(one, gathered).tables  # some compare answers by another rule than their own
        for (key, metric), scores in gathered.rescored.items():
            found.setdefault(key, {})[scores_by(metric)] = _json(written_scores(scores))
    return found


def _json(value: Any) -> bytes:
    return (json.dumps(value, ensure_ascii=False, allow_nan=False) + "\n").encode()


def import_store(
    archive: Source,
    recipe: Source | None = None,
    changes: Sequence[str] = (),
    *,
    store: Source | None = None,
) -> dict[str, Any]:
    """Take the outputs of an archive into the store: all of them as they were exported, by their hashes, or none.

    What is there already stays; where it was imported in part and the archive has more, that takes its place. With
    a `recipe`, also says which of its stages the store then lacks. Raises PolyspanError for an archive that is not
    as it was written, for one with an output that differs from that of the same key in the store, where data lie
    under a variable that is not set here, and where another process is importing.
    """
    kept = open_store(store)
    planned = None if recipe is None else plan(read_recipe(recipe, changes))
    kept.prepare()
    lease = Lease.take(kept.folder / "partial" / _ENTRY)
    if lease is None:
        raise PolyspanError(f"another process is importing into {kept.folder}", fix="wait for it")
    with lease:
        try:
            shutil.rmtree(lease.out)  # what a killed import left
            lease.out.mkdir()
            manifest = unpack(archive, lease.out)
            done = _take_in(kept, lease.out, _records(lease.out, archive, manifest["files"]), archive)
        finally:
            shutil.rmtree(lease.out, ignore_errors=True)
    done = {"archive": str(archive), "store": str(kept.folder), "without": manifest.get("without", []), **done}
    if planned is not None:
        told = described(planned, kept)
        missing = [row["name"] for row in told["stages"] if not row["cached"]]
        done["recipe"] = {"name": told["recipe"], "stages": told["total"]["stages"], "missing": missing}
    return done


def _records(folder: Path, archive: Source, listed: Mapping[str, Any]) -> Records:
    """The records in an unpacked archive, each that of its folder's files and of its key."""
    files: dict[str, dict[str, Any]] = {}
    for name, known in listed.items():
        part, key, *rest = name.split("/", 2)
        if part == "stages":
            files.setdefault(key, {})[rest[0]] = {name: known[name] for name in ("bytes", "sha256")}
    found: Records = {}
    for key, own in files.items():
        own.pop(RECORD, None)
        try:
            record = json.loads((folder / "stages" / key / RECORD).read_text("utf-8"))
            needs, left = record["needs"].values(), record.get("left_out", {}).values()
            strange = not all(
                isinstance(one, str) for one in (record["name"], *needs, *(one["sha256"] for one in left))
            )
            if strange or not _is_true(key, record) or record["files"] != own:
                raise ValueError("its record is that of another one")
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            fix = "export it again; nothing of it was taken into the store"
            raise PolyspanError(
                f"{archive} is broken", where=f"stages/{key}", found=str(error), fix=fix
            ) from error
        found[key] = record
    return found


def _take_in(store: Store, folder: Path, records: Records, archive: Source) -> dict[str, Any]:
    """Move unpacked outputs into the store, under the keys that they have on this machine."""
    definitions = records
    for path in sorted((folder / "plans").glob("*.json")):  # stages that have no output yet, and are needed
        with _explained_plan(path, archive):
            definitions = json.loads(path.read_text("utf-8"))["stages"] | definitions
    text = json.dumps(definitions, ensure_ascii=False)
    if unset := sorted(variables(here(text))):
        found = f"{', '.join(unset)}: not set here, or to nothing that is there"
        fix = "; ".join(f"export {name}=FOLDER" for name in unset)
        raise PolyspanError(f"the data of {archive} lie elsewhere", found=found, fix=fix)
    try:
        placed = moved(definitions, here)
    except (CycleError, KeyError, TypeError, AttributeError) as error:
        raise PolyspanError(f"{archive} is broken", found=f"its stages do not fit together: {error}") from error
    for key, record in ((key, placed[key]) for key in records):
        for name in filter(is_placed, record["files"]):
            path = folder / "stages" / key / name
            path.write_text(here(path.read_text("utf-8")), "utf-8", newline="")
            record["files"] = record["files"] | {name: described_file(path)}
    counts = {"new": 0, "completed": 0, "there": 0}
    ready = list(_compared(store, {key: placed[key] for key in records}, archive))
    for key, what, again in ready:
        counts[what] += 1
        if what != "there":
            store.take(Kept(placed[key]["key"]), folder / "stages" / key, placed[key], again)
    return {"stages": len(records), **counts}


def _compared(store: Store, records: Records, archive: Source) -> Iterator[tuple[str, str, bool]]:
    """Whether each output is new, there, or completes one that is there in part; and whether it takes a place."""
    differing = []
    for key, record in records.items():
        known = Kept(record["key"])
        if not store.has(known):
            yield key, "new", store.path(known).exists()
            continue
        there = store.record(known)
        one, other = (found["files"] | found.get("left_out", {}) for found in (record, there))
        if any(one[name]["sha256"] != other[name]["sha256"] for name in one.keys() & other.keys()):
            differing.append(record["name"])
        more = set(there.get("left_out", {})) > set(record.get("left_out", {}))
        yield key, "completed" if more else "there", more
    if differing:
        names = ", ".join(differing[:5]) + (" …" if len(differing) > 5 else "")
        raise PolyspanError(
            f"{archive} and the store disagree on {len(differing)} stages",
            where=str(store.folder),
            found=f"{names}: other content under the same key, as when both machines made them",
            fix="the store is as it was; import into another one with --store",
        )


def report_archive(archive: Source, out: Source | None = None) -> dict[str, Any]:
    """Write the report of an archive's recipe from what is in it: tables, figures and page, as `run` does.

    Nothing is made, and neither data nor Readers are looked at. The report is in the folder `out`, `runs/NAME` by
    default; of an archive with several recipes each is in `out/NAME`. Returns the reports by
    their folders.
    Raises PolyspanError for an archive that is not as it was written, or has no recipe.
    """
    from polyspan.lab.results.results import write_results

    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder) / "store")
        store.prepare()
        manifest = unpack(archive, store.folder, lambda name: is_weights(name.split("/", 2)[-1]))
        for key, record in _records(store.folder, archive, manifest["files"]).items():
            write_record(store.path(Kept(key)), without(record, is_weights))
        plans = []
        for path in sorted((store.folder / "plans").glob("*.json")):
            with _explained_plan(path, archive):
                plans.append(read_plan(json.loads(path.read_text("utf-8"))))
        if not plans:
            fix = "polyspan store export OUT.tar.zst RECIPE"
            raise PolyspanError(f"{archive} has outputs and no recipe to report", fix=fix)
        reports = {}
        for asked, planned, command in plans:
            target = Path(out or "runs") / (asked.name if out is None or len(plans) > 1 else "")
            with alone(target):
                reports[str(target)] = write_results(asked, planned, store, target, command, made_here=False)
        return reports


@contextlib.contextmanager
def _explained_plan(path: Path, archive: Source) -> Iterator[None]:
    """Within it, a plan that is none is told."""
    try:
        yield
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError) as error:
        found = f"{type(error).__name__}: {error}".splitlines()[0]
        raise PolyspanError(f"{archive} has a plan that cannot be read", where=path.name, found=found) from error
