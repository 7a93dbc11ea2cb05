"""What can be added (metrics, formats, makers, aligners): a record in a file of its own, found where it stands."""

import pkgutil
from collections.abc import Iterator, Mapping
from functools import cached_property
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from inspect import isabstract
from types import ModuleType
from typing import Any, Generic, TypeVar

from polyspan.errors import PolyspanError

T = TypeVar("T")


class Records(Mapping[str, T], Generic[T]):
    """The records of a kind by their `name`: of the modules of the package `room` and its folders, in the order of
    the files, and those that other installed packages offer under the entry point `group`.

    `kind` is the class of the records, or a base class where the records are classes themselves. Nothing is
    imported before the first look. Raises PolyspanError for a package whose record cannot be loaded, is of another
    kind, or takes a name that is taken.
    """

    def __init__(self, room: str, kind: type[Any], group: str) -> None:
        self.room, self.kind, self.group = room, kind, group

    def __getitem__(self, name: str) -> T:
        return self._found[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)

    def __repr__(self) -> str:
        return f"Records({', '.join(self)})"

    @cached_property
    def _found(self) -> dict[str, T]:
        found: dict[str, T] = {}
        for module in self._modules():
            for value in vars(module).values():
                if self._is_record(value):
                    found.setdefault(value.name, value)
        for point in entry_points(group=self.group):
            record = self._load(point)
            if found.setdefault(record.name, record) is not record:
                raise _unusable(point, f"the name {record.name!r} is taken", "give it a name of its own")
        return found

    def _modules(self) -> Iterator[ModuleType]:
        package = import_module(self.room)
        for info in pkgutil.walk_packages(package.__path__, f"{self.room}."):
            yield import_module(info.name)

    def _is_record(self, value: Any) -> bool:
        if isinstance(value, type):
            return issubclass(value, self.kind) and value is not self.kind and not isabstract(value)
        return isinstance(value, self.kind)

    def _load(self, point: EntryPoint) -> Any:
        try:
            value = point.load()
        except Exception as error:  # whatever a stranger's module raises
            raise _unusable(point, f"{type(error).__name__}: {error}", "mend or uninstall that package") from error
        if not self._is_record(value):
            expected = f"a {self.kind.__module__}.{self.kind.__name__}"
            raise _unusable(point, f"a {type(value).__name__}, where {expected} belongs", "see docs/extending")
        return value


def _unusable(point: EntryPoint, found: str, fix: str) -> PolyspanError:
    package = point.dist.name if point.dist else "an installed package"
    return PolyspanError(
        f"an extension of {package} cannot be used",
        where=f"{point.group}: {point.name} = {point.value}",
        found=found,
        fix=fix,
    )
