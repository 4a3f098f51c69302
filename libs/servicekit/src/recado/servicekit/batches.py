"""Of aiokafka's producer what a `GatheringWriter` uses, so that it can be tried without Kafka.

aiokafka sends such a batch like any other: with a sequence number of the idempotent producer, taken
when it is sent for the first time; compressed; repeated until Kafka takes it. Batches of one
partition go one after the other, in the order in which they were handed over.
"""

import asyncio
from collections.abc import Sequence
from typing import Protocol


class Batch(Protocol):
    """Of aiokafka's `BatchBuilder` what is used here."""

    def append(
        self,
        *,
        timestamp: int | None,
        key: bytes | None,
        value: bytes | None,
        headers: Sequence[tuple[str, bytes]],
    ) -> object | None:
        """Take a record; None where there is no room. The first always fits."""

    def close(self) -> None:
        """Take no more."""


class BatchProducer(Protocol):
    """Of aiokafka's `AIOKafkaProducer` what is used here."""

    def create_batch(self) -> Batch:
        """An empty batch."""

    async def send_batch(
        self, batch: Batch, topic: str, *, partition: int
    ) -> "asyncio.Future[object]":
        """Hand over a batch; the future says when it is acknowledged."""
