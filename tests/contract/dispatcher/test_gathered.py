"""Gathered changes and reads on every document store: few requests, nobody pays for another."""

import asyncio
from collections.abc import Sequence

import pytest

from recado.dispatcher.gathered import GatheredDocuments
from recado.dispatcher.ports import Change, Documents, Name

CALLERS = 40


class Counted:
    """Passes on, and knows of how many changes or ids each request was."""

    def __init__(self, documents: Documents, monkeypatch: pytest.MonkeyPatch) -> None:
        self.applied: list[int] = []
        self.read = 0
        apply, read, read_many = documents.apply, documents.read, documents.read_many

        async def counted_apply(changes: Sequence[Change]) -> Sequence[bool]:
            self.applied.append(len(changes))
            return await apply(changes)

        async def counted_read(*place: object) -> object:
            self.read += 1
            return await read(*place)  # type: ignore[arg-type]  # as it was called

        async def counted_read_many(*place: object) -> object:
            before = self.read
            rows = await read_many(*place)  # type: ignore[arg-type]  # as it was called
            self.read = before + 1  # however the store goes about it
            return rows

        monkeypatch.setattr(documents, "apply", counted_apply)
        monkeypatch.setattr(documents, "read", counted_read)
        monkeypatch.setattr(documents, "read_many", counted_read_many)


def story(number: int) -> list[Change]:
    """A caller's changes: one sees the one before, one is of a document that all share."""
    own = f"m{number}"
    return [
        Change(Name.MESSAGES, own, {"$set": {"n": 1}}, {"n": {"$exists": False}}, upsert=True),
        Change(Name.MESSAGES, own, {"$set": {"n": 2}}, {"n": 1}),
        Change(Name.USERS, "shared", {"$addToSet": {"seen": number}}, upsert=True),
    ]


async def test_what_many_ask_for_at_once_is_a_few_requests_and_each_is_told_of_its_own(
    documents: Documents, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the order of each caller's changes, with what each of them came to; reads as well."""
    counted = Counted(documents, monkeypatch)
    gathered = GatheredDocuments(documents)
    made = await asyncio.gather(*(gathered.apply(story(number)) for number in range(CALLERS)))
    assert [list(each) for each in made] == [[True, True, True]] * CALLERS
    assert sum(counted.applied) == 3 * CALLERS
    assert len(counted.applied) == 2  # one a collection
    rows = await asyncio.gather(
        *(gathered.read(Name.MESSAGES, f"m{number}") for number in range(CALLERS)),
        gathered.read(Name.MESSAGES, "nobody"),
        gathered.read(Name.MESSAGES, "m0"),
    )
    assert rows[:-2] == [{"_id": f"m{number}", "n": 2} for number in range(CALLERS)]
    assert rows[-2:] == [None, {"_id": "m0", "n": 2}]
    assert counted.read <= 2
    shared = await documents.read(Name.USERS, "shared")
    assert shared is not None
    seen = shared["seen"]
    assert isinstance(seen, list)
    assert sorted(seen) == list(range(CALLERS))
    await gathered.close()


async def test_a_change_that_the_store_refuses_fails_its_caller_and_nobody_else(
    documents: Documents,
) -> None:
    """What the others changed is there when they are told so; nothing is done twice by it."""
    await documents.insert(Name.MESSAGES, {"_id": "u", "text": "no array"})
    refused = [
        Change(Name.MESSAGES, "before", {"$set": {"n": 1}}, upsert=True),
        Change(Name.MESSAGES, "u", {"$addToSet": {"text": 1}}),
        Change(Name.MESSAGES, "after", {"$set": {"n": 1}}, upsert=True),
    ]
    gathered = GatheredDocuments(documents)
    results = await asyncio.gather(
        gathered.apply(story(1)),
        gathered.apply(refused),
        gathered.apply(story(2)),
        return_exceptions=True,
    )
    assert isinstance(results[1], Exception)
    assert not any(isinstance(each, BaseException) for each in (results[0], results[2]))
    rows = await documents.read_many(Name.MESSAGES, ["m1", "m2", "after"])
    assert sorted((row["_id"], row["n"]) for row in rows) == [("m1", 2), ("m2", 2)]
    await gathered.close()
