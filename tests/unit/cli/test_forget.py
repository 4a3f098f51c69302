"""The orders to forget a customer."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from recado.cli import forget
from recado.cli.forget import Found, events_of

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def found(conversations: dict[str, bool], webhooks: int) -> Found:
    return Found(
        users=("telegram:bot:1", "telegram:bot:2"),
        conversations=conversations,
        counts={},
        webhooks=[UUID(int=number) for number in range(webhooks)],
    )


def test_each_conversation_has_its_order_and_each_webhook_is_in_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As many as an event can hold go in one; all of the same customer."""
    monkeypatch.setattr(forget, "WEBHOOKS_AT_ONCE", 2)
    events = events_of(found({"a": True, "b": False}, webhooks=5), NOW)
    assert {(one.conversation, one.whole) for one in events} == {("a", True), ("b", False)}
    assert sorted(one for event in events for one in event.webhook_ids) == [
        UUID(int=number) for number in range(5)
    ]
    assert max(len(event.webhook_ids) for event in events) == 2
    assert {event.users for event in events} == {("telegram:bot:1", "telegram:bot:2")}
    assert len({event.id for event in events}) == len(events)


def test_who_never_wrote_is_forgotten_too() -> None:
    (event,) = events_of(found({}, webhooks=0), NOW)
    assert (event.conversation, event.whole) == ("telegram:bot:1", True)
