"""What the platforms can post, written from their documents, and the events that it must give.

The expected events were read one by one, not recorded: a change of one is a change of what Recado
understands. `python -m support.corpus`, in `tests/`, prints what each case is about.
"""

import json
from itertools import chain
from pathlib import Path

import pytest

from recado.channels.errors import Unreadable
from recado.channels.payload import JsonObject
from recado.channels.registry import CHANNELS
from recado.schemas.encoding import decode, encode
from recado.schemas.webhooks import MessageKind, MessageReceived, StatusReported
from support import corpus
from support.valid import assert_valid

CASES = corpus.cases()
LEAST = 120


@pytest.fixture(params=CASES, ids=[corpus.name_of(*case) for case in CASES])
def case(request: pytest.FixtureRequest) -> tuple[str, Path]:
    platform, expected = request.param
    assert isinstance(expected, Path)
    return str(platform), expected


def test_a_case_gives_the_events_that_are_written_beside_it(case: tuple[str, Path]) -> None:
    platform, expected = case
    told = json.loads(expected.read_text(encoding="utf-8"))
    assert told.pop("about")
    assert corpus.read_case(platform, corpus.body_of(expected)) == told


def test_a_case_gives_events_that_travel_and_the_same_ids_each_time(
    case: tuple[str, Path],
) -> None:
    """Every event is valid and goes through Kafka unchanged; no two have one id; a repeat has
    the same ones."""
    platform, expected = case
    body = corpus.body_of(expected)
    try:
        first, again = corpus.parsed(platform, body), corpus.parsed(platform, body)
    except Unreadable:
        return
    events: tuple[MessageReceived | StatusReported, ...] = (*first.messages, *first.statuses)
    for event in events:
        assert_valid(event)
        record = encode(event, source="test")
        assert decode(record.headers, record.value) == event
    assert len({event.id for event in events}) == len(events)
    for one, repeated in zip(first.messages, again.messages, strict=True):
        assert (one.id == repeated.id) is (one.platform_message_id is not None)
    assert first.statuses == again.statuses


def test_what_is_kept_raw_is_the_part_as_it_came(case: tuple[str, Path]) -> None:
    """Everything but a text, for what Recado does not read of it today it may read tomorrow."""
    platform, expected = case
    body = corpus.body_of(expected)
    try:
        messages = corpus.parsed(platform, body).messages
    except Unreadable:
        return
    parts = list(_objects(json.loads(body)))
    for message in messages:
        assert (message.raw is None) is (message.kind is MessageKind.TEXT)
        assert message.raw is None or message.raw in parts


def _objects(value: object) -> list[JsonObject]:
    if isinstance(value, dict):
        return [value, *chain.from_iterable(map(_objects, value.values()))]
    if isinstance(value, list):
        return list(chain.from_iterable(map(_objects, value)))
    return []


def test_the_corpus_has_every_kind_of_every_platform() -> None:
    """A channel has its cases, and there is no kind of message that none of them is of."""
    assert len(CASES) >= LEAST
    assert {platform for platform, _ in CASES} == set(CHANNELS)
    kinds = {message.kind for message in _messages()}
    assert kinds == set(MessageKind)


def _messages() -> list[MessageReceived]:
    found: list[MessageReceived] = []
    for platform, expected in CASES:
        try:
            found += corpus.parsed(platform, corpus.body_of(expected)).messages
        except Unreadable:
            continue
    return found
