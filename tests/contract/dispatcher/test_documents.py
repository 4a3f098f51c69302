"""What every document store does alike: the fake of the unit tests and MongoDB."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta

from recado.dispatcher.ports import Change, Documents, Name
from support.dispatching import NOW

ROW = {"_id": "a", "n": 1, "list": [{"state": "x"}, {"state": "y"}]}


async def test_a_taken_id_is_not_inserted_again(documents: Documents) -> None:
    """The first stays as it was."""
    assert await documents.insert(Name.MESSAGES, ROW) is True
    assert await documents.insert(Name.MESSAGES, {"_id": "a", "n": 2}) is False
    assert await documents.read(Name.MESSAGES, "a") == ROW


async def test_what_is_not_there_is_none(documents: Documents) -> None:
    """Reading and finding nothing is no error."""
    assert await documents.read(Name.MESSAGES, "a") is None
    assert await documents.find(Name.MESSAGES, {"n": 1}) is None
    assert await documents.read_many(Name.MESSAGES, ["a", "b"]) == []


async def test_times_come_back_in_utc_and_milliseconds(documents: Documents) -> None:
    """Microseconds are cut off."""
    await documents.insert(Name.USERS, {"_id": "u", "at": NOW + timedelta(microseconds=1999)})
    row = await documents.read(Name.USERS, "u")
    assert row == {"_id": "u", "at": NOW + timedelta(milliseconds=1)}


async def test_an_update_returns_the_document_after_it(documents: Documents) -> None:
    """Also by a path into an array."""
    await documents.insert(Name.MESSAGES, ROW)
    changed = await documents.update(
        Change(Name.MESSAGES, "a", {"$set": {"list.1.state": "z"}}, {"list.1.state": "y"})
    )
    assert changed == {"_id": "a", "n": 1, "list": [{"state": "x"}, {"state": "z"}]}


async def test_a_guard_that_does_not_hold_changes_nothing(documents: Documents) -> None:
    """With and without upsert the answer is None."""
    await documents.insert(Name.MESSAGES, ROW)
    for upsert in (False, True):
        change = Change(Name.MESSAGES, "a", {"$set": {"n": 2}}, {"n": 3}, upsert=upsert)
        assert await documents.update(change) is None
    assert await documents.read(Name.MESSAGES, "a") == ROW


async def test_an_upsert_makes_the_document_once(documents: Documents) -> None:
    """`$setOnInsert` counts the first time only; a guard is not taken for content."""
    change = Change(
        Name.CONVERSATIONS,
        "c",
        {"$setOnInsert": {"first": 1}, "$set": {"v": 1}},
        {"v": {"$exists": False}},
        upsert=True,
    )
    assert await documents.update(change) == {"_id": "c", "first": 1, "v": 1}
    assert await documents.update(change) is None


async def test_guards_by_membership_order_and_alternatives(documents: Documents) -> None:
    """`$in`, `$ne` inside of arrays, `$lt` on times (null is not less), `$not`, `$or`."""
    await documents.insert(
        Name.CONVERSATIONS, {"_id": "c", "at": NOW, "no": None, "turns": [{"id": "1"}]}
    )
    later = NOW + timedelta(seconds=1)
    holding: tuple[Mapping[str, object], ...] = (
        {"at": {"$lt": later}},
        {"turns.id": {"$ne": "2"}},
        {"turns.0.id": {"$in": ["1", "2"]}},
        {"$or": [{"missing": {"$exists": False}}, {"at": {"$lt": NOW}}]},
        {"missing": None},
        {"missing": {"$in": [None, "x"]}},
        {"missing": {"$not": {"$gte": NOW}}},
        {"no": {"$not": {"$gte": NOW}}},
        {"at": {"$not": {"$gte": later}}},
    )
    failing: tuple[Mapping[str, object], ...] = (
        {"at": {"$lt": NOW}},
        {"no": {"$lt": later}},
        {"missing": {"$lt": later}},
        {"turns.id": {"$ne": "1"}},
        {"turns.0.id": {"$in": ["2"]}},
        {"at": {"$in": [None, later]}},
        {"at": {"$not": {"$gte": NOW}}},
        {"$or": [{"missing": {"$exists": True}}, {"at": {"$lt": NOW}}]},
    )
    for guard in holding:
        change = Change(Name.CONVERSATIONS, "c", {"$set": {"x": 1}}, guard)
        assert await documents.update(change) is not None, guard
    for guard in failing:
        change = Change(Name.CONVERSATIONS, "c", {"$set": {"x": 1}}, guard)
        assert await documents.update(change) is None, guard


async def test_least_greatest_sets_and_removal(documents: Documents) -> None:
    """`$min`, `$max` (null is below everything), `$addToSet`, `$unset`: twice is as once."""
    await documents.insert(Name.USERS, {"_id": "u", "low": NOW, "high": None, "gone": 1})
    earlier = NOW - timedelta(seconds=1)
    for _ in range(2):
        row = await documents.update(
            Change(
                Name.USERS,
                "u",
                {
                    "$min": {"low": earlier, "reports.0.sent": NOW},
                    "$max": {"high": NOW, "new": NOW},
                    "$addToSet": {"names": {"$each": ["a", "b"]}, "one": "x"},
                    "$unset": {"gone": ""},
                },
            )
        )
    assert row == {
        "_id": "u",
        "low": earlier,
        "high": NOW,
        "new": NOW,
        "names": ["a", "b"],
        "one": ["x"],
        "reports": {"0": {"sent": NOW}},
    }


async def test_a_push_sorts_and_cuts(documents: Documents) -> None:
    """The newest stay, in order, whatever order they come in."""
    await documents.insert(Name.CONVERSATIONS, {"_id": "c", "recent": []})
    for number in (3, 1, 4, 2):
        push = {"$each": [{"at": number, "id": str(number)}], "$sort": {"at": 1}, "$slice": -3}
        await documents.update(Change(Name.CONVERSATIONS, "c", {"$push": {"recent": push}}))
    row = await documents.read(Name.CONVERSATIONS, "c")
    assert row is not None
    assert row["recent"] == [{"at": number, "id": str(number)} for number in (2, 3, 4)]


async def test_a_bulk_goes_in_order_and_past_guards_that_do_not_hold(documents: Documents) -> None:
    """An upsert whose guard fails stops nothing; later changes see the earlier ones.

    Of each upsert it is told whether it was made; of no other that it was, if it was not.
    """
    await documents.insert(Name.MESSAGES, {"_id": "a", "n": 1})
    other = {"n": {"$exists": False}}
    made = await documents.apply(
        [
            Change(Name.MESSAGES, "a", {"$set": {"n": 9}}, other, upsert=True),
            Change(Name.MESSAGES, "b", {"$set": {"n": 2}}, other, upsert=True),
            Change(Name.MESSAGES, "a", {"$set": {"n": 8}}, other, upsert=True),
            Change(Name.MESSAGES, "b", {"$set": {"n": 3}}, {"n": 2}),
            Change(Name.USERS, "u", {"$set": {"n": 4}}, upsert=True),
            Change(Name.MESSAGES, "b", {"$set": {"n": 7}}, {"n": 2}),
            Change(Name.MESSAGES, "nobody", {"$set": {"n": 1}}),
            Change(Name.MESSAGES, "b", {"$set": {"n": 3}}),
        ]
    )
    upserts = 0, 1, 2, 4
    assert [made[place] for place in upserts] == [False, True, False, True]
    assert not any(made[place] for place in (5, 6))
    rows = await documents.read_many(Name.MESSAGES, ["a", "b"])
    assert sorted((row["_id"], row["n"]) for row in rows) == [("a", 1), ("b", 3)]
    assert await documents.read(Name.USERS, "u") == {"_id": "u", "n": 4}


async def test_a_bulk_of_which_every_guard_holds_says_so(documents: Documents) -> None:
    """Whoever is told so need not read, also where all was left as it is."""
    await documents.insert(Name.MESSAGES, {"_id": "a", "n": 1})
    same = Change(Name.MESSAGES, "a", {"$set": {"n": 1}}, {"n": 1})
    made = await documents.apply(
        [
            same,
            Change(Name.USERS, "u", {"$set": {"n": 1}}, upsert=True),
            Change(Name.MESSAGES, "a", {"$set": {"n": 2}}, {"n": 1}),
            Change(Name.MESSAGES, "b", {"$set": {"n": 2}}, upsert=True),
        ]
    )
    assert list(made) == [True] * 4
    assert list(await documents.apply([same])) == [False]


async def test_find_looks_into_arrays(documents: Documents) -> None:
    """A field that holds the value among others is found."""
    await documents.insert(Name.MESSAGES, {"_id": "a", "i": "wa", "platform_ids": ["p", "q"]})
    found = await documents.find(Name.MESSAGES, {"i": "wa", "platform_ids": "q"})
    assert found is not None
    assert found["_id"] == "a"
    assert await documents.find(Name.MESSAGES, {"i": "tg", "platform_ids": "q"}) is None


async def test_of_many_at_once_one_gets_a_guarded_step(documents: Documents) -> None:
    """The whole ledger stands on this."""
    await documents.insert(Name.DELIVERIES, {"_id": "d", "state": "pending"})
    claims = [
        Change(Name.DELIVERIES, "d", {"$set": {"state": "claimed"}}, {"state": "pending"})
    ] * 12
    results = await asyncio.gather(*(documents.update(claim) for claim in claims))
    assert sum(result is not None for result in results) == 1


async def test_of_many_upserts_at_once_one_makes_the_document(documents: Documents) -> None:
    """The others find it; none of them fails."""
    change = Change(Name.USERS, "u", {"$setOnInsert": {"n": 1}, "$addToSet": {"a": 1}}, upsert=True)
    results = await asyncio.gather(*(documents.update(change) for _ in range(12)))
    assert results == [{"_id": "u", "n": 1, "a": [1]}] * 12


async def test_of_many_bulks_at_once_one_gets_a_guarded_step(documents: Documents) -> None:
    """No two are told so; where it makes the document, as the ledger begins answers, one is."""
    await documents.insert(Name.DELIVERIES, {"_id": "d", "state": "pending"})
    claim, absent = {"$set": {"state": "claimed"}}, {"state": {"$exists": False}}
    claiming = Change(Name.DELIVERIES, "d", claim, {"state": "pending"})
    told = await asyncio.gather(*(documents.apply([claiming]) for _ in range(12)))
    assert sum(made for (made,) in told) <= 1
    row = await documents.read(Name.DELIVERIES, "d")
    assert row is not None
    assert row["state"] == "claimed"
    making = Change(Name.DELIVERIES, "new", claim, absent, upsert=True)
    told = await asyncio.gather(*(documents.apply([making]) for _ in range(12)))
    assert sum(made for (made,) in told) == 1


async def test_of_many_bulks_at_once_each_leaves_its_mark(documents: Documents) -> None:
    """Message, answer and status of a conversation are written side by side."""

    def bulk(number: int) -> list[Change]:
        return [
            Change(Name.USERS, "u", {"$addToSet": {"seen": number}}, upsert=True),
            Change(Name.USERS, "u", {"$addToSet": {"again": number}}, {"seen": number}),
        ]

    await asyncio.gather(*(documents.apply(bulk(number)) for number in range(12)))
    row = await documents.read(Name.USERS, "u")
    assert row is not None
    for name in ("seen", "again"):
        marks = row[name]
        assert isinstance(marks, list)
        assert sorted(marks) == list(range(12))


async def test_a_store_is_prepared_once(documents: Documents) -> None:
    """Doing it again is no error, and changes nothing."""
    await documents.prepare()
    await documents.prepare()
    await documents.ping()
