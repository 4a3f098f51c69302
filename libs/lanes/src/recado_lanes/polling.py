"""How lanes' records are polled under FastStream: stamped with their epoch, and none dropped.

FastStream's loop drops a batch whose parsing, decoding, middleware or handler raises, and reads
on: the next commit would lose the batch. Headers that are no UTF-8 are enough. So batches are not
parsed by FastStream, and one that has not come through its stack is submitted all the same. It
also logs and repeats the client's errors without end: here those that don't pass end the lanes.
"""

import asyncio
import logging
from functools import partial
from itertools import chain
from typing import Final

from aiokafka import AIOKafkaConsumer, ConsumerRecord
from aiokafka.errors import ConsumerStoppedError, KafkaError, NoOffsetForPartitionError
from faststream.kafka.message import FAKE_CONSUMER, KafkaMessage
from faststream.kafka.subscriber.usecase import BatchSubscriber

from recado_lanes.errors import ConsumerFailed
from recado_lanes.kafka import to_record, waits_for_group
from recado_lanes.lanes import Lanes

log = logging.getLogger("recado_lanes")

PAUSED_POLL_MS: Final = 20
"""While a partition is paused a poll waits no longer than this."""


class Poll(tuple[ConsumerRecord, ...]):  # noqa: SLOT001 - a tuple can't have slots of its own
    """The records of one poll, with the epoch in which they were polled."""

    epoch: int
    submitted: bool


class LanesSubscriber(BatchSubscriber):
    """FastStream's subscriber with a poll that stamps, and an intake that loses nothing."""

    lanes: Lanes
    tolerate_missing_offset: bool

    async def get_msg(self, consumer: AIOKafkaConsumer) -> Poll:
        """Poll once. An error that does not pass ends the lanes, and the polling with them."""
        try:
            # Not FastStream's own poll: it sleeps after an empty one, deaf to what comes.
            # What was fetched of a partition before it was paused wakes no poll on resuming.
            timeout = min(self.batch_timeout_ms, PAUSED_POLL_MS)
            with self.lanes.turning.polling(partial(waits_for_group, consumer)):
                fetched = await consumer.getmany(
                    timeout_ms=timeout if self.lanes.intake_paused else self.batch_timeout_ms,
                    max_records=self.max_records,
                )
            records = tuple(chain.from_iterable(fetched.values()))
        except ConsumerStoppedError:
            raise
        except NoOffsetForPartitionError as error:
            if not self.tolerate_missing_offset:
                raise self._fatal(error) from error
            # The listener is about to give the partition an offset.
            await asyncio.sleep(self.batch_timeout_ms / 1000)
            records = ()
        except KafkaError as error:
            if error.retriable:
                raise  # FastStream logs it and polls again after a while
            raise self._fatal(error) from error
        except Exception as error:
            raise self._fatal(error) from error
        # No await lies between aiokafka's handing the records out and this line.
        poll = Poll(records)
        poll.epoch = self.lanes.epoch
        poll.submitted = False
        return poll

    def _fatal(self, error: Exception) -> ConsumerStoppedError:
        self._fail("polling failed", error)
        return ConsumerStoppedError()

    def _fail(self, what: str, error: Exception) -> None:
        failure = ConsumerFailed(f"{what}: {type(error).__name__}: {error}")
        failure.__cause__ = error
        self.lanes.fail(failure)

    async def consume_one(self, msg: tuple[ConsumerRecord, ...]) -> None:
        """Through FastStream's stack; past it if something there failed."""
        await super().consume_one(msg)
        if isinstance(msg, Poll) and not msg.submitted:
            log.warning("a middleware failed on a batch of %d records", len(msg))
            await self.submit(msg)

    async def submit(self, poll: Poll) -> None:
        """Give a poll to the lanes. If that fails they end: FastStream would read on past it."""
        poll.submitted = True
        try:
            await self.lanes.submit([to_record(raw) for raw in poll], epoch=poll.epoch)
        except Exception as error:  # noqa: BLE001 - `run` raises it
            self._fail("a batch could not be taken", error)


async def parse(batch: tuple[ConsumerRecord, ...]) -> KafkaMessage:
    """A message for FastStream's middlewares; nothing in it can fail to be decoded."""
    headers = [
        {name: (value or b"").decode("utf-8", errors="replace") for name, value in raw.headers}
        for raw in batch
    ]
    return KafkaMessage(
        raw_message=batch,
        body=[raw.value or b"" for raw in batch],
        headers=headers[0] if headers else {},
        batch_headers=headers,
        consumer=FAKE_CONSUMER,
    )


async def decode(message: KafkaMessage) -> object:
    """Nothing is decoded here: the handler gets the poll as it is.

    A handler that asked for the message would get it through a thread, as anything from
    FastStream's context, and that costs more than all the rest of its stack.
    """
    return message.raw_message
