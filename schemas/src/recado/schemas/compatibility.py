"""What a change of the contract breaks: the released JSON Schemas against today's.

Topics are kept and replayed, and services roll out one by one. So both directions matter:

- *New readers, released records* (backward). A record that was ever written must stay readable.
  What a new reader would refuse, or silently lose or reinterpret, is a break. No order of roll-out
  mends it: it needs a new event type.
- *Released readers, new records* (forward). A new enum value, a wider type, a looser bound, or a
  field that may now be lacking is refused only by readers older than the writer. Readers and
  writers share one model, so the schema says what *may* be written, and the readers' release must
  come before the first writer uses it. This is `Kind.WIDENED`: told, with the services to release
  first, and not a break. It could not be one: the readers' release is the step that widens.

Decided besides:

- A removed field is a break even where readers have a default for it: they would go on with the
  default and nobody would see it. So is a changed default, which changes what old records mean.
- A field that was optional and is now required is a break, for older records may lack it.
- A new optional field is none; readers ignore what they do not know, so neither is anything about
  `additionalProperties: false`.
- Patterns and formats are not understood, just compared: another one is a break.
- In doubt it is a break: this errs towards a needless question. A keyword that is not known here
  raises `NotComparable` rather than pass unseen.
"""

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import cast

from pydantic import JsonValue

from recado.schemas.json_schema import (
    FORMS,
    LOWER_BOUNDS,
    SIZES_FROM_ZERO,
    UPPER_BOUNDS,
    Schema,
    alternatives,
    children,
    constants,
    is_map,
    required,
    subschema,
    unnamed,
)


class Kind(StrEnum):
    """What kind of change it is; all but `WIDENED` are breaks."""

    REMOVED_EVENT = "removed event"
    CHANGED_TOPIC = "changed topic"
    CHANGED_KEY = "changed key"
    CHANGED_PARTITIONS = "changed partition count"
    REMOVED_FIELD = "removed field"
    REQUIRED_FIELD = "new required field"
    CHANGED_DEFAULT = "changed default"
    NARROWED_TYPE = "narrowed type"
    REMOVED_VALUE = "removed enum value"
    NARROWED_BOUND = "narrowed bound"
    CHANGED_FORM = "changed format or pattern"
    WIDENED = "readers first"


TOPIC_KINDS = {
    "x-topic": Kind.CHANGED_TOPIC,
    "x-key": Kind.CHANGED_KEY,
    "x-partitions": Kind.CHANGED_PARTITIONS,
}


@dataclass(frozen=True, slots=True)
class Change:
    """A change that somebody has to know of."""

    event: str
    place: str
    """JSON path in the event: `$.user.id`, `$.passages[*].score`, `$.raw.*`; `$`: the event."""
    kind: Kind
    message: str
    readers: tuple[str, ...] = ()
    """The services that read the event, sorted."""


def breaks(
    released: Mapping[str, Schema],
    current: Mapping[str, Schema],
    readers: Mapping[str, Collection[str]] | None = None,
) -> list[Change]:
    """The changes that must not be released. `released`, `current`: by event type name.

    `readers` names the services that read a topic, by topic. Raises `NotComparable`.
    """
    return [
        change for change in changes(released, current, readers) if change.kind is not Kind.WIDENED
    ]


def changes(
    released: Mapping[str, Schema],
    current: Mapping[str, Schema],
    readers: Mapping[str, Collection[str]] | None = None,
) -> list[Change]:
    """The breaks, and what needs readers to be released before writers; by event and place."""
    found = []
    for event, old in sorted(released.items()):
        new = current.get(event)
        topics = {str(schema.get("x-topic")) for schema in (old, new) if schema is not None}
        services = {service for topic in topics for service in (readers or {}).get(topic, ())}
        found += [
            Change(event, refusal.place, refusal.kind, refusal.message, tuple(sorted(services)))
            for refusal in _of_event(old, new)
        ]
    return found


@dataclass(frozen=True, slots=True)
class _Refusal:
    place: str
    kind: Kind
    message: str


def _of_event(old: Schema, new: Schema | None) -> list[_Refusal]:
    if new is None:
        message = "released records of this type would be skipped by new readers"
        return [_Refusal("$", Kind.REMOVED_EVENT, message)]
    broken = [
        _Refusal("$", kind, f"was {old[name]!r}, is {new.get(name)!r}")
        for name, kind in TOPIC_KINDS.items()
        if name in old and old[name] != new.get(name)
    ]
    broken += _Reading(old, new, backward=True).refusals()
    told = {refusal.place for refusal in broken if refusal.kind not in TOPIC_KINDS.values()}
    widened = [
        _Refusal(refusal.place, Kind.WIDENED, refusal.message)
        for refusal in _Reading(new, old, backward=False).refusals()
        if refusal.place not in told
    ]
    return sorted(dict.fromkeys(broken + widened), key=lambda refusal: refusal.place)


class _Reading:
    """Records written by one schema, read by another: what the reader may refuse or lose."""

    def __init__(self, written: Schema, read: Schema, *, backward: bool) -> None:
        self._written = written
        self._read = read
        self._backward = backward
        self._records, self._readers = ("released", "new") if backward else ("new", "released")

    def refusals(self) -> list[_Refusal]:
        return self._compare(self._written, self._read, "$", frozenset())

    def _compare(
        self, written: Schema, read: Schema, place: str, seen: frozenset[tuple[int, int]]
    ) -> list[_Refusal]:
        """Every alternative that may be written must be one that is read."""
        # The schemas outlive the comparison, so that a node's id() stands for it: a recursive
        # definition comes back to the same pair.
        pair = (id(written), id(read))
        if pair in seen:
            return []
        seen |= {pair}
        choices = list(alternatives(read, self._read, place))
        found: list[_Refusal] = []
        for alternative in alternatives(written, self._written, place):
            tried = [self._alternative(alternative, choice, place, seen) for choice in choices]
            if all(tried):
                found += _nearest(tried, place)
        return list(dict.fromkeys(found))

    def _alternative(
        self, written: Schema, read: Schema, place: str, seen: frozenset[tuple[int, int]]
    ) -> list[_Refusal]:
        if not _type_is_read(written.get("type"), read.get("type")):
            what = f"of type {written.get('type', 'any')}"
            return [self._refused(place, Kind.NARROWED_TYPE, f"a value {what}")]
        return [
            *self._values(written, read, place),
            *self._limits(written, read, place),
            *self._fields(written, read, place, seen),
            *self._elements(written, read, place, seen),
        ]

    def _values(self, written: Schema, read: Schema, place: str) -> Iterator[_Refusal]:
        known, possible = constants(read), constants(written)
        if known is None:
            return
        if possible is None:
            what = f"a value other than {', '.join(sorted(known))}"
            yield self._refused(place, Kind.NARROWED_TYPE, what)
        elif possible - known:
            what = ", ".join(sorted(possible - known))
            yield self._refused(place, Kind.REMOVED_VALUE, what)

    def _limits(self, written: Schema, read: Schema, place: str) -> Iterator[_Refusal]:
        for name in sorted(read.keys() & (LOWER_BOUNDS | UPPER_BOUNDS)):
            limit = _number(read[name])
            own = written.get(name, 0 if name in SIZES_FROM_ZERO else None)
            sign = 1 if name in LOWER_BOUNDS else -1
            if own is None or sign * _number(own) < sign * limit:
                what = f"a value beyond {name} {limit}"
                yield self._refused(place, Kind.NARROWED_BOUND, what)
        for name in sorted(read.keys() & FORMS):
            if read[name] is not False and read[name] != written.get(name):
                what = f"a value that is not of {name} {json.dumps(read[name])}"
                yield self._refused(place, Kind.CHANGED_FORM, what)

    def _fields(
        self, written: Schema, read: Schema, place: str, seen: frozenset[tuple[int, int]]
    ) -> Iterator[_Refusal]:
        own, known = children(written, "properties"), children(read, "properties")
        always, needed = required(written), required(read)
        own_rest, rest = unnamed(written), unnamed(read)
        for name, field in own.items():
            there = f"{place}.{name}"
            if name in known:
                yield from self._compare(field, known[name], there, seen)
                if self._backward:
                    yield from self._default(field, known[name], there)
            elif rest is not None:
                yield from self._compare(field, rest, there, seen)
            elif self._backward:
                yield self._lost(there)
        for name in sorted(needed - always):
            message = f"{self._records} records may lack it, {self._readers} readers need it"
            yield _Refusal(f"{place}.{name}", Kind.REQUIRED_FIELD, message)
        if own_rest is not None and rest is not None:
            yield from self._compare(own_rest, rest, f"{place}.*", seen)
        elif self._backward and own_rest is not None and is_map(written):
            yield self._lost(f"{place}.*")

    def _elements(
        self, written: Schema, read: Schema, place: str, seen: frozenset[tuple[int, int]]
    ) -> list[_Refusal]:
        if "items" not in read:
            return []
        elements = subschema(written.get("items", True), place)
        return self._compare(elements, subschema(read["items"], place), f"{place}[*]", seen)

    def _default(self, written: Schema, read: Schema, place: str) -> Iterator[_Refusal]:
        if "default" in written and "default" in read and written["default"] != read["default"]:
            was, now = json.dumps(written["default"]), json.dumps(read["default"])
            message = f"{self._records} records that lack it meant {was}, and would mean {now}"
            yield _Refusal(place, Kind.CHANGED_DEFAULT, message)

    def _lost(self, place: str) -> _Refusal:
        message = f"{self._records} records hold it, {self._readers} readers would drop it"
        return _Refusal(place, Kind.REMOVED_FIELD, message)

    def _refused(self, place: str, kind: Kind, what: str) -> _Refusal:
        message = f"{self._records} records may hold {what}; {self._readers} readers refuse it"
        return _Refusal(place, kind, message)


def _number(value: JsonValue) -> float:
    return cast("float", value)


def _type_is_read(written: JsonValue, read: JsonValue) -> bool:
    return read is None or written == read or (written == "integer" and read == "number")


def _nearest(tried: list[list[_Refusal]], place: str) -> list[_Refusal]:
    """What is against the alternative that explains best: of the same type, with least against."""

    def distance(against: list[_Refusal]) -> tuple[bool, int]:
        other_type = any(one.kind is Kind.NARROWED_TYPE and one.place == place for one in against)
        return other_type, len(against)

    return min(tried, key=distance)
