"""A document store in memory that understands the part of MongoDB's language the dispatcher uses.

The contract tests hold it against the real thing. It can be told to be away, and to lose the answer
to a write that it has made.
"""

import copy
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime

from recado.dispatcher.errors import StoreUnavailable
from recado.dispatcher.ports import Change, Document, Name

_MISSING = object()


class MemoryDocuments:
    """See `recado.dispatcher.ports.Documents`."""

    def __init__(self) -> None:
        self.rows: dict[Name, dict[str, dict[str, object]]] = defaultdict(dict)
        self.away = False
        self.loses_answer_to: Callable[[Change], bool] = lambda _change: False
        self.goes_away_before: Callable[[Change], bool] = lambda _change: False

    async def ping(self) -> None:
        self._reach()

    async def prepare(self) -> None:
        self._reach()

    async def insert(self, collection: Name, document: Document) -> bool:
        self._reach()
        row = {name: _kept(value) for name, value in document.items()}
        rows = self.rows[collection]
        if str(row["_id"]) in rows:
            return False
        rows[str(row["_id"])] = row
        return True

    async def read(self, collection: Name, document_id: str) -> Document | None:
        self._reach()
        return copy.deepcopy(self.rows[collection].get(document_id))

    async def read_many(self, collection: Name, ids: Collection[str]) -> list[Document]:
        found = [await self.read(collection, document_id) for document_id in ids]
        return [row for row in found if row is not None]

    async def find(self, collection: Name, equal: Mapping[str, object]) -> Document | None:
        self._reach()
        rows = self.rows[collection].values()
        return copy.deepcopy(next((row for row in rows if _matches(row, equal)), None))

    async def find_all(
        self, collection: Name, field: str, values: Collection[str]
    ) -> list[Document]:
        self._reach()
        rows = self.rows[collection].values()
        return [copy.deepcopy(row) for row in rows if _matches(row, {field: {"$in": [*values]}})]

    async def select(
        self, collection: Name, where: Mapping[str, object], *, by: str, most: int
    ) -> list[Document]:
        self._reach()
        found = [row for row in self.rows[collection].values() if _matches(row, where)]
        found.sort(key=lambda row: str(row[by]))  # times all of one zone
        return copy.deepcopy([*found[:most]])

    async def delete(self, collection: Name, document_id: str, guard: Mapping[str, object]) -> None:
        self._reach()
        if self.goes_away_before(Change(collection, document_id, {})):
            self.away = True
            self._reach()
        row = self.rows[collection].get(document_id)
        if row is not None and _matches(row, guard):
            del self.rows[collection][document_id]

    async def update(self, change: Change) -> Document | None:
        self._reach()
        if self.goes_away_before(change):
            self.away = True
            self._reach()
        changed = self._change(change)
        if self.loses_answer_to(change):
            self.away = True
            self._reach()
        return copy.deepcopy(changed)

    async def apply(self, changes: Sequence[Change]) -> Sequence[bool]:
        return [await self.update(change) is not None for change in changes]

    def _reach(self) -> None:
        if self.away:
            raise StoreUnavailable("told to be away")

    def _change(self, change: Change) -> dict[str, object] | None:
        rows = self.rows[change.collection]
        row = rows.get(change.id)
        if row is None:
            if not change.upsert:
                return None
            row = rows[change.id] = {"_id": change.id}
            inserted = True
        elif not _matches(row, change.guard):
            return None
        else:
            inserted = False
        for operator, fields in change.update.items():
            if operator == "$setOnInsert" and not inserted:
                continue
            for path, value in fields.items():
                _OPERATORS[operator](row, _positional(row, path, change.guard), _kept(value))
        return row


def _kept(value: object) -> object:
    """As MongoDB keeps it: times in milliseconds, tuples as lists, nothing shared."""
    match value:
        case datetime():
            return value.replace(microsecond=value.microsecond // 1000 * 1000)
        case Mapping():
            return {name: _kept(inner) for name, inner in value.items()}
        case list() | tuple():
            return [_kept(inner) for inner in value]
        case _:
            return value


def _values(container: object, path: Sequence[str]) -> Iterator[object]:
    """Every value at the path; arrays are entered by index, and else element by element."""
    if not path:
        yield container
    elif isinstance(container, dict):
        if path[0] in container:
            yield from _values(container[path[0]], path[1:])
    elif isinstance(container, list):
        if path[0].isdigit():
            if int(path[0]) < len(container):
                yield from _values(container[int(path[0])], path[1:])
        else:
            for element in container:
                yield from _values(element, path)


def _matches(row: dict[str, object], wanted: Mapping[str, object]) -> bool:
    for name, condition in wanted.items():
        if name == "$or":
            if not isinstance(condition, list):
                raise TypeError("$or takes a list")
            if not any(_matches(row, each) for each in condition):
                return False
            continue
        found = list(_values(row, name.split(".")))
        is_operator = isinstance(condition, dict) and any(key[0] == "$" for key in condition)
        tests = condition if is_operator and isinstance(condition, dict) else {"$eq": condition}
        if not all(_test(found, operator, _kept(value)) for operator, value in tests.items()):
            return False
    return True


def _positional(row: dict[str, object], path: str, guard: Mapping[str, object]) -> str:
    """`$` in a path is the first element that the guard's `$elemMatch` holds for."""
    array, dollar, rest = path.partition(".$.")
    condition = guard.get(array)
    if not dollar or not isinstance(condition, dict):
        return path
    elements = _get(row, array)
    if not isinstance(elements, list):
        raise TypeError(f"{array} is no array")
    places = (at for at, one in enumerate(elements) if _matches(one, condition["$elemMatch"]))
    return f"{array}.{next(places)}.{rest}"


def _test(found: list[object], operator: str, value: object) -> bool:
    flat = [*found, *(inner for each in found if isinstance(each, list) for inner in each)]
    match operator:
        case "$exists":
            return bool(found) is value
        case "$eq":
            return value in flat or (value is None and not found)
        case "$ne":
            return not _test(found, "$eq", value)
        case "$in" if isinstance(value, list):
            return any(_test(found, "$eq", each) for each in value)
        case "$nin":
            return not _test(found, "$in", value)
        case "$elemMatch" if isinstance(value, dict):
            arrays = (each for each in found if isinstance(each, list))
            return any(_matches(one, value) for array in arrays for one in array)
        case "$lt":
            return any(_less(each, value) for each in flat)
        case "$gt":
            return any(_less(value, each) for each in flat)
        case "$lte":
            return any(_less(each, value) or each == value for each in flat)
        case "$gte":
            return any(_less(value, each) or each == value for each in flat)
        case "$not" if isinstance(value, dict):
            return not all(_test(found, inner, wanted) for inner, wanted in value.items())
    raise NotImplementedError(operator)


def _less(left: object, right: object) -> bool:
    """MongoDB compares only what is of one kind."""
    if isinstance(left, datetime) and isinstance(right, datetime):
        return left < right
    if isinstance(left, str) and isinstance(right, str):
        return left < right
    return isinstance(left, int) and isinstance(right, int) and left < right


def _place(row: dict[str, object], path: str) -> tuple[dict[str, object] | list[object], str]:
    *way, last = path.split(".")
    container: object = row
    for step in way:
        if isinstance(container, dict):
            container = container.setdefault(step, {})
        elif isinstance(container, list):
            container = container[int(step)]
    if not isinstance(container, dict | list):
        raise TypeError(f"{path} leads into a value")
    return container, last


def _get(row: dict[str, object], path: str) -> object:
    return next(_values(row, path.split(".")), _MISSING)


def _set(row: dict[str, object], path: str, value: object) -> None:
    container, last = _place(row, path)
    if isinstance(container, dict):
        container[last] = value
    else:
        container[int(last)] = value


def _unset(row: dict[str, object], path: str, _value: object) -> None:
    container, last = _place(row, path)
    if isinstance(container, dict):
        container.pop(last, None)


def _min(row: dict[str, object], path: str, value: object) -> None:
    present = _get(row, path)
    if present is _MISSING or _less(value, present):
        _set(row, path, value)


def _max(row: dict[str, object], path: str, value: object) -> None:
    present = _get(row, path)
    if present is _MISSING or present is None or _less(present, value):
        _set(row, path, value)


def _array(row: dict[str, object], path: str) -> list[object]:
    present = _get(row, path)
    if present is _MISSING:
        present = []
        _set(row, path, present)
    if not isinstance(present, list):
        raise TypeError(f"{path} is no array")
    return present


def _add_to_set(row: dict[str, object], path: str, value: object) -> None:
    array = _array(row, path)
    each = value["$each"] if isinstance(value, dict) and "$each" in value else [value]
    array.extend(new for new in each if new not in array)


def _push(row: dict[str, object], path: str, value: object) -> None:
    if not isinstance(value, dict):
        raise NotImplementedError("$push without $each")
    array = [*_array(row, path), *value["$each"]]
    array.sort(key=lambda element: [element[name] for name in value["$sort"]])
    _set(row, path, array[value["$slice"] :])


def _pull(row: dict[str, object], path: str, value: object) -> None:
    present = _get(row, path)
    if isinstance(present, list) and isinstance(value, dict):
        present[:] = [element for element in present if not _matches(element, value)]


_OPERATORS: Mapping[str, Callable[[dict[str, object], str, object], None]] = {
    "$set": _set,
    "$setOnInsert": _set,
    "$unset": _unset,
    "$min": _min,
    "$max": _max,
    "$addToSet": _add_to_set,
    "$push": _push,
    "$pull": _pull,
}
