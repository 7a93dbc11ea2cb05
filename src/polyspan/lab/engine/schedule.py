"""The order in which a run's stages are made: each as soon as what it needs is there."""

import heapq
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field

from polyspan.errors import PolyspanError, choose
from polyspan.lab.engine.execution import Result
from polyspan.lab.engine.live import LiveView
from polyspan.lab.stage import Stage, in_order
from polyspan.lab.store.leaving_out import told
from polyspan.lab.store.store import Store
from polyspan.training.versions import others

POLICIES = ("missing", "always", "never", "versions")
"""Make what is not in the store; make everything again; make nothing and refuse where something is missing; make
also what other versions of torch, transformers or tokenizers have made."""
_AGAIN = 1.0  # seconds until a stage that another process makes is looked at again


@dataclass
class Outcome:
    """What became of a run's stages, by name. `kept` were in the store; `skipped` need one that failed, which is
    named; `damaged` were found unsound in the store, imported without what is read of them now, or made with other
    versions where that counts, and made again."""

    made: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    damaged: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    def require_whole(self) -> None:
        """Raise PolyspanError where a stage failed: the first fault in full, the others by name."""
        if not self.failed:
            return
        (name, message), *others = self.failed.items()
        text = f"stages failed: {len(self.failed)}; not made because they need them: {len(self.skipped)}"
        text += f"; what is made is kept for the next run\n{name}: {message}"
        text += "".join(f"\n{other}: {said.splitlines()[0]}" for other, said in others)
        raise PolyspanError(text)


@dataclass
class Stock:
    """What a run has to make, in order of need, and what of it is kept or damaged."""

    todo: list[Stage]
    kept: list[Stage]
    damaged: dict[str, str]
    """By key what is wrong with an output, in words."""


def take_stock(wanted: Sequence[Stage], store: Store, policy: str = "missing") -> Stock:
    """What must be made so that the wanted stages are in the store. What only kept stages need is not looked for,
    and may have been imported in part; what is read for a stage that is made is whole or made again.

    Files of kept stages that are read, or that nothing else of the plan reads, are compared with their hashes;
    what is damaged is to be made again, and under the policy `versions` what other versions have made. Raises
    UsageError for an unknown policy, PolyspanError under the policy `never` where something is missing.
    """
    choose("policy", policy, POLICIES)
    order = in_order(wanted)
    if policy == "always":
        return Stock(order, [], {})
    damaged = _outdated(order, store) if policy == "versions" else {}
    while True:
        todo, kept = _split(order, {stage.key for stage in wanted}, store, damaged)
        read = {need.key for stage in todo for need in stage.needs.values()}
        inner = {need.key for stage in order for need in stage.needs.values()}
        looked_at = [stage for stage in kept if stage.key in read or stage.key not in inner]
        found = {stage.key: fault for stage in looked_at if (fault := store.damage(stage))}
        if not found:
            break
        damaged |= {key: f"damaged in the store ({fault})" for key, fault in found.items()}
    if policy == "never" and todo:
        names = ", ".join(stage.name for stage in todo[:5]) + (" …" if len(todo) > 5 else "")
        message = f"not in the store {store.folder}, and nothing is to be made: {len(todo)} stages"
        raise PolyspanError(message, found=names, fix="choose another policy")
    return Stock(todo, kept, damaged)


def _outdated(order: Sequence[Stage], store: Store) -> dict[str, str]:
    """By key, those in the store that other versions have made, and those made of them."""
    found: dict[str, str] = {}
    for stage in order:
        if not store.has(stage):
            continue
        if made_with := others(store.record(stage)):
            found[stage.key] = f"made with {made_with}"
        elif inner := next((need for need in stage.needs.values() if need.key in found), None):
            found[stage.key] = f"made of {inner.name}"
    return found


def _split(
    order: Sequence[Stage], wanted: Collection[str], store: Store, damaged: dict[str, str]
) -> tuple[list[Stage], list[Stage]]:
    read: set[str] = set()
    todo, kept = [], []
    for stage in reversed(order):
        if stage.key not in read and stage.key not in wanted:
            continue
        if stage.key not in damaged and store.path(stage).exists() and (fault := store.fault(stage)):
            damaged[stage.key] = f"damaged in the store ({fault})"
        elif stage.key in read and (lacking := store.lacks(stage)):
            damaged[stage.key] = f"imported without {told(lacking)}, and read now"
        if stage.key in damaged or not store.path(stage).exists():
            todo.append(stage)
            read |= {need.key for need in stage.needs.values()}
        else:
            kept.append(stage)
    return todo[::-1], kept[::-1]


class Schedule:
    """Stages to make: hands out those whose needs are met, in order, and takes back what became of them."""

    def __init__(self, todo: Sequence[Stage]) -> None:
        self.stages = list(todo)
        place = {stage.key: number for number, stage in enumerate(todo)}
        self._users: dict[str, list[int]] = {}
        self._unmet: list[set[str]] = []
        for number, stage in enumerate(todo):
            unmet = {need.key for need in stage.needs.values() if need.key in place}
            self._unmet.append(unmet)
            for key in unmet:
                self._users.setdefault(key, []).append(number)
        self._ready = [number for number, unmet in enumerate(self._unmet) if not unmet]
        self._place = place
        self._busy: list[int] = []

    def next(self) -> Stage | None:
        """A stage that can be made now."""
        return self.stages[heapq.heappop(self._ready)] if self._ready else None

    def met(self, stage: Stage) -> None:
        """The stage is in the store: what waits for it may begin."""
        for number in self._users.get(stage.key, ()):
            self._unmet[number].discard(stage.key)
            if not self._unmet[number]:
                heapq.heappush(self._ready, number)

    def put_back(self, stage: Stage) -> None:
        """Another process makes the stage: look at it again after the others."""
        self._busy.append(self._place[stage.key])

    def look_again(self) -> bool:
        """Hand out what was put back; whether there was anything."""
        for number in self._busy:
            heapq.heappush(self._ready, number)
        found = bool(self._busy)
        self._busy.clear()
        return found

    def users(self, stage: Stage) -> Iterable[Stage]:
        """All stages that need this one, directly or not, in order."""
        found: set[int] = set()
        waiting = [stage.key]
        while waiting:
            new = [number for number in self._users.get(waiting.pop(), ()) if number not in found]
            found.update(new)
            waiting += [self.stages[number].key for number in new]
        return [self.stages[number] for number in sorted(found)]


def run_all(
    todo: Sequence[Stage], submit: Callable[[Stage], Future[Result]], slots: int, view: LiveView, outcome: Outcome
) -> None:
    """Make the stages, at most `slots` at a time; `submit` gives one to a worker. A stage that fails stops only
    those that need it. Raises what a worker raises: a store that cannot be written."""
    schedule = Schedule(todo)
    running: dict[Future[Result], Stage] = {}
    told: set[str] = set()
    while True:
        while len(running) < slots and (stage := schedule.next()):
            view.begin(stage)
            running[submit(stage)] = stage
        if not running:
            if not schedule.look_again():
                return
            time.sleep(_AGAIN)
            continue
        done, _ = wait(running, timeout=_AGAIN if slots > 1 else None, return_when=FIRST_COMPLETED)
        for future in done:
            stage = running.pop(future)
            result = future.result()
            view.end(stage, result)
            if result.state == "busy":
                schedule.put_back(stage)
                if stage.key not in told:
                    view.say(f"{stage.name}: waiting for {result.message}, which makes it")
                    told.add(stage.key)
            else:
                _settle(schedule, stage, result, view, outcome)
        if not done:
            schedule.look_again()


def _settle(schedule: Schedule, stage: Stage, result: Result, view: LiveView, outcome: Outcome) -> None:
    if result.state == "failed":
        outcome.failed[stage.name] = result.message
        for user in schedule.users(stage):
            if user.name not in outcome.skipped:
                outcome.skipped[user.name] = stage.name
                view.skip(user)
        return
    (outcome.made if result.state == "made" else outcome.kept).append(stage.name)
    if result.state == "made":
        outcome.seconds[stage.name] = result.seconds
    schedule.met(stage)
