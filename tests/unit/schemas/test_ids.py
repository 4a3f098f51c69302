"""Identifiers name the same thing the same way, and different things differently."""

import json
import os
from datetime import UTC, datetime
from uuid import RFC_4122, UUID, uuid4, uuid5

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recado.schemas import ids

texts = st.text(max_size=30)
odd = st.sampled_from('\x00\x1f\x7f\u2028"\\/é😀')
written = st.text(st.characters(codec="utf-8") | odd, max_size=30)


def test_a_message_redelivered_has_the_id_that_it_had() -> None:
    """To another process, and to a later version: it is what repeats are known by."""
    assert ids.message_id("wa", "message", "51900", "wamid.A=") == UUID(
        "cf1913ed-b3b7-52cd-bf2e-e8daba7567df"
    )


@given(st.lists(texts, min_size=4, max_size=4), st.lists(texts, min_size=4, max_size=4))
def test_no_two_lists_of_parts_share_an_id(one: list[str], other: list[str]) -> None:
    same = ids.message_id(one[0], one[1], one[2], one[3]) == ids.message_id(
        other[0], other[1], other[2], other[3]
    )
    assert same == (one == other)


def test_separators_inside_parts_do_not_confuse() -> None:
    assert ids.message_id("a", "m", "b,c", "d") != ids.message_id("a", "m", "b", "c,d")
    assert ids.message_id("a", "m", 'b","c', "d") != ids.message_id("a", "m", "b", 'c","d')


def test_an_edit_is_another_event_than_the_message_it_changes() -> None:
    edited_at = datetime(2026, 1, 1, tzinfo=UTC)
    assert ids.message_id("t", "message", "1", "7") != ids.message_id(
        "t", "message", "1", "7", edited_at
    )


def test_an_answer_is_named_by_its_messages_in_whatever_order() -> None:
    one, other = uuid4(), uuid4()
    assert ids.answer_id([one, other]) == ids.answer_id([other, one])
    assert ids.answer_id([one]) != ids.answer_id([one, other])


def test_a_thread_is_a_conversation_of_its_own() -> None:
    assert ids.conversation_key("telegram", "bot", "5") == "telegram:bot:5"
    assert ids.conversation_key("telegram", "bot", "5", "9") == "telegram:bot:5:9"


def test_fresh_ids_protect_from_nothing() -> None:
    assert ids.fresh_id() != ids.fresh_id()


def test_fresh_ids_are_random_uuids_and_each_another() -> None:
    drawn = [ids.fresh_id() for _ in range(1000)]

    assert len(set(drawn)) == 1000
    assert {(one.version, one.variant) for one in drawn} == {(4, RFC_4122)}
    # Every bit that is not fixed by the form is drawn: each is 0 in one and 1 in another.
    ones, zeros = 0, 0
    for one in drawn:
        ones |= one.int
        zeros |= ~one.int
    assert (ones & zeros).bit_count() == 122


def test_a_forked_process_has_fresh_ids_of_its_own() -> None:
    ids.fresh_id()
    reads, writes = os.pipe()
    child = os.fork()
    if not child:
        os.write(writes, ids.fresh_id().bytes)
        os._exit(0)
    of_child = os.read(reads, 16)
    os.waitpid(child, 0)
    os.close(reads)
    os.close(writes)

    assert of_child not in {ids.fresh_id().bytes for _ in range(1000)}


@given(written, written, written, written, st.none() | st.datetimes(timezones=st.just(UTC)))
def test_an_id_is_the_uuid_of_version_5_of_its_parts_as_json(
    integration: str, kind: str, chat: str, platform_id: str, edited_at: datetime | None
) -> None:
    """However it is computed: another one would make every redelivery look new."""
    edit = None if edited_at is None else edited_at.isoformat()
    name = ["message", integration, kind, chat, platform_id, edit]
    expected = uuid5(ids.NAMESPACE, json.dumps(name, ensure_ascii=False, separators=(",", ":")))
    found = ids.message_id(integration, kind, chat, platform_id, edited_at)
    assert (found, found.version, found.variant) == (expected, 5, expected.variant)


@given(texts, st.sampled_from("\ud800\udfff"), texts)
def test_half_a_character_has_no_id(before: str, half: str, after: str) -> None:
    """Names of files may hold such; a lone surrogate has no bytes that could be hashed."""
    with pytest.raises(UnicodeEncodeError):
        ids.document_id("guides", f"{before}{half}{after}")
