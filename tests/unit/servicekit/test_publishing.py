"""Many callers at once on one publisher, without a Kafka."""

import asyncio
from datetime import UTC, datetime
from uuid import UUID

import pytest

from recado.schemas.events import DocumentWithdrawn
from recado.servicekit import publishing
from recado.servicekit.kafka import NotAcknowledged
from recado.servicekit.publishing import LastingPublisher
from recado.servicekit.settings import KafkaSettings

CALLERS = 32
EVENT = DocumentWithdrawn(
    id=UUID(int=1),
    occurred_at=datetime.now(UTC),
    document_id=UUID(int=2),
    collection="passages",
    source="a.md",
)


class UnreachableBroker:
    """Its `start` hangs until the test lets it fail."""

    def __init__(self) -> None:
        self.starts = 0
        self.fail = asyncio.Event()

    async def start(self) -> None:
        self.starts += 1
        await self.fail.wait()
        raise TimeoutError

    async def stop(self) -> None:
        """Nothing was opened."""


async def test_callers_that_wait_for_a_connection_share_its_failure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """While Kafka can't be reached the last of many waits for one attempt, not for one each."""
    broker = UnreachableBroker()
    monkeypatch.setattr(publishing, "make_event_producer", lambda settings, source: broker)
    publisher = LastingPublisher(KafkaSettings(), "test")
    calls = [asyncio.create_task(publisher.publish(EVENT)) for _ in range(CALLERS)]
    for _ in range(3):
        await asyncio.sleep(0)
    broker.fail.set()
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [NotAcknowledged] * CALLERS
    assert broker.starts == 1
    with pytest.raises(NotAcknowledged):
        await publisher.publish(EVENT)
    assert broker.starts == 2, "who comes later tries anew"
