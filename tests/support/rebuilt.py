"""Two databases compared: the live one, and what was made again from the topics.

What no event tells is left out, and only that: decision 0017 has the same list.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

Rows = Mapping[str, Mapping[str, object]]

LEFT_OUT: Final[Mapping[str, frozenset[str]]] = {
    "deliveries": frozenset({"created_at", "expires_at"}),
    "statuses": frozenset({"expires_at"}),
}
"""Top-level fields of wall-clock time, by collection."""

OF_CLAIMS: Final = frozenset(
    {
        "owner",
        "claimed_at",
        "uncertain_at",
        "attempt",
        "repeats",
        "repeats_before",
        "unclassified",
    }
)
"""Of a part of a delivery: what only the process knew that sent it."""


def told(collection: str, rows: Iterable[Mapping[str, object]]) -> Rows:
    """The rows by their ids, without what no event tells.

    A message's row without `kind` was begun by a mark or a report, and is no message yet. What is
    left of a forgotten customer says nothing.
    """
    return {
        str(row["_id"]): {
            name: _inner(collection, name, value)
            for name, value in row.items()
            if name not in LEFT_OUT.get(collection, ())
        }
        for row in rows
        if (collection != "messages" or "kind" in row) and "forgotten_at" not in row
    }


def differences(one: object, other: object, place: str = "") -> Iterator[str]:
    """Where two values differ, each by its place and what is in the one and in the other."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        for name in sorted(one.keys() | other.keys()):
            yield from differences(
                one.get(name, "(missing)"), other.get(name, "(missing)"), f"{place}/{name}"
            )
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for number, (left, right) in enumerate(zip(one, other, strict=True)):
            yield from differences(left, right, f"{place}/{number}")
    elif one != other:
        yield f"{place}: {str(one)[:200]} and {str(other)[:200]}"


def _inner(collection: str, name: str, value: object) -> object:
    if collection == "deliveries" and name == "parts" and isinstance(value, list):
        return [_part(part) for part in value]
    if collection == "messages" and name == "reports" and isinstance(value, Mapping):
        # The dispatcher's own time of the request stands for the platform's "sent".
        return {
            part: {status: at for status, at in times.items() if status != "sent"}
            for part, times in value.items()
        }
    if name in ("aliases", "platform_ids", "errors") and isinstance(value, list):
        return sorted(value, key=repr)  # sets: in the order of their coming
    return value


def _part(part: Mapping[str, object]) -> Mapping[str, object]:
    """Why an earlier attempt failed says nothing of a part that was sent after all."""
    past = () if part["state"] == "failed" else ("reason", "error")
    content = part["content"]
    if isinstance(content, Mapping) and content.get("template") is not None:
        # The words of a template are what the integration was configured to make of the answer's.
        part = {**part, "content": {"template": content["template"]}}
    return {
        key: one
        for key, one in part.items()
        if key not in OF_CLAIMS and key not in past and one is not None
    }
