"""A whole consumer in one call, for whoever has no FastStream broker of their own.

`consume` makes the broker and the producer of dead letters, and runs until it is told to stop. What
the handlers may rely on is what lanes promise; `recado_lanes.faststream` has the pieces.
"""

import asyncio
import logging
import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from datetime import timedelta
from typing import Final

from aiokafka import AIOKafkaProducer
from faststream.kafka import KafkaBroker
from faststream.kafka.security import parse_security
from faststream.security import BaseSecurity

from recado_lanes.batch import Batch
from recado_lanes.faststream import attach, serve
from recado_lanes.kafka import GroupOptions, KafkaDeadLetters
from recado_lanes.options import LaneOptions
from recado_lanes.ports import Observer
from recado_lanes.record import Handler, KeyOf, Restore

log = logging.getLogger("recado_lanes")

SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)

MAX_DEAD_LETTER: Final = 16 * 1024 * 1024
"""Bytes: what the topics allow decides, not the producer, whose default is one mebibyte."""


async def consume(
    bootstrap: str | Sequence[str],
    handlers: Mapping[str, Handler | Batch],
    *,
    group: str | GroupOptions,
    dead_letters: str,
    options: LaneOptions | None = None,
    until: asyncio.Event | None = None,
    at_once: asyncio.Event | None = None,
    restore: Mapping[str, Restore] | None = None,
    keys: Mapping[str, KeyOf] | None = None,
    ceilings: Mapping[str, int] | None = None,
    observer: Observer | None = None,
    security: BaseSecurity | None = None,
    close_timeout: timedelta = timedelta(seconds=10),
) -> None:
    """Consume the handlers' topics as a member of the group; return when stopped and drained.

    Without `until`, SIGTERM and SIGINT stop it: work in hand is finished and committed. A second
    signal ends it at once, with what is done committed; a third does what it does by default. That
    needs the main thread; elsewhere, and where signals are somebody else's, set `until` to stop
    and `at_once` to hurry.

    `dead_letters` names a topic. Neither it nor those that are read are created here, and of one
    that is missing nothing is read. The group's name is also that of the service, unless `options`
    give another. `security` is FastStream's.

    Raises `Fatal` for what ends the consumer (let the process end with it), `ValueError` for
    options that contradict each other, and aiokafka's `KafkaError` if Kafka can't be reached now.
    """
    membership = GroupOptions(group_id=group) if isinstance(group, str) else group
    broker = KafkaBroker(
        bootstrap,
        security=security,
        allow_auto_create_topics=False,
        # It logs each poll; errors of the client it logs as such, whatever the level.
        logger=log,
        log_level=logging.DEBUG,
    )
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap,
        acks="all",
        enable_idempotence=True,
        max_request_size=MAX_DEAD_LETTER,
        **parse_security(security),
    )
    hurry = asyncio.Event() if at_once is None else at_once
    try:
        lanes = attach(
            broker,
            handlers=handlers,
            dead_letters=KafkaDeadLetters(producer.send_and_wait, dead_letters),
            group=membership,
            options=options or LaneOptions(service=membership.group_id),
            restore=restore,
            keys=keys,
            ceilings=ceilings,
            observer=observer,
        )
        with _told_by_signals(hurry) if until is None else nullcontext(until) as asked:
            await producer.start()
            await serve(broker, lanes, asked, at_once=hurry, close_timeout=close_timeout)
    finally:
        await _stop(producer, close_timeout)


@contextmanager
def _told_by_signals(at_once: asyncio.Event) -> Iterator[asyncio.Event]:
    """An event that the first signal sets; the second sets `at_once`."""
    loop = asyncio.get_running_loop()
    until = asyncio.Event()
    before = {number: signal.getsignal(number) for number in SIGNALS}

    def restore() -> None:
        for number, handler in before.items():
            loop.remove_signal_handler(number)
            if handler is not None:  # None: not Python's, so Python can't put it back
                signal.signal(number, handler)

    def told() -> None:
        if until.is_set():
            at_once.set()
            restore()
        until.set()

    for number in SIGNALS:
        loop.add_signal_handler(number, told)
    try:
        yield until
    finally:
        restore()


async def _stop(producer: AIOKafkaProducer, within: timedelta) -> None:
    """It would wait for all that it holds to be acknowledged, also while Kafka is away."""
    try:
        async with asyncio.timeout(within.total_seconds()):
            await producer.stop()
    except TimeoutError:
        log.warning("the producer of dead letters could not be closed in %s", within)
