"""The way to Kafka: bounded, and shut while Kafka is known to be away.

A publish that is given up after its time-out stays in the client until Kafka is back: an idempotent
producer never drops a batch that it may have sent (aiokafka, `Sender._can_retry`). So the outbox
hands over nothing more once a publish failed while Kafka acknowledged nobody anything for a whole
time-out, or the last few publishes failed one after the other; then it refuses at once. Whoever
watches Kafka says when to try again; one request goes first, and only if it succeeds others follow.

What waits in the client is thus at most `max_waiting` requests, the failures that it takes to shut,
and one request for each try. What of it was not handed to Kafka's client before it was given up is
dropped (`recado.servicekit.gathering`), so that a long outage leaves less.
"""

from collections.abc import Awaitable, Callable, Sequence
from enum import Enum, auto

from recado.ingress.errors import KafkaAway, Overloaded
from recado.schemas.encoding import EncodedEvent
from recado.servicekit import metrics

Write = Callable[[Sequence[EncodedEvent]], Awaitable[None]]
"""Returns when Kafka has acknowledged all records; raises `KafkaAway`."""


class _State(Enum):
    SHUT = auto()
    TRYING = auto()
    OPEN = auto()


class Outbox:
    """Takes the records of one request at a time. Belongs to one event loop."""

    def __init__(self, write: Write, *, max_waiting: int, failures_until_shut: int) -> None:
        self._write = write
        self._max_waiting = max_waiting
        self._failures_until_shut = failures_until_shut
        self._failures = 0
        self._state = _State.SHUT
        self.waiting = 0
        metrics.INGRESS_WAITING.set_function(lambda: self.waiting)

    @property
    def is_open(self) -> bool:
        """Whether requests go through. At first they do not, until `open`."""
        return self._state is _State.OPEN

    @property
    def is_shut(self) -> bool:
        """Whether not even a try is due: nothing goes through, whatever comes."""
        return self._state is _State.SHUT

    def open(self) -> None:
        """Kafka is there, by all that is known."""
        self._enter(_State.OPEN)

    def try_again(self) -> None:
        """Kafka answers: let one request go, and open if it or one that still waits succeeds."""
        if self._state is _State.SHUT:
            self._enter(_State.TRYING)

    def shut(self) -> None:
        """Refuse everything until told otherwise."""
        self._enter(_State.SHUT)

    def check(self) -> None:
        """Raise what `publish` would raise at once: to refuse a request before it costs more."""
        if self._state is _State.SHUT or (self._state is _State.TRYING and self.waiting):
            raise KafkaAway("the event log is away")
        if self.waiting >= self._max_waiting:
            raise Overloaded("too many requests wait for the event log")

    async def publish(self, records: Sequence[EncodedEvent]) -> None:
        """Return when Kafka has acknowledged all records. Raises `KafkaAway` or `Overloaded`."""
        self.check()
        self.waiting += 1
        try:
            await self._write(records)
        except KafkaAway as failure:
            self._failures += 1
            if (
                failure.silent
                or self._state is _State.TRYING
                or self._failures >= self._failures_until_shut
            ):
                self._enter(_State.SHUT)
            raise
        else:
            self._failures = 0
            if self._state is _State.TRYING:
                self._enter(_State.OPEN)
        finally:
            self.waiting -= 1

    def _enter(self, state: _State) -> None:
        self._state = state
        self._failures = 0
        metrics.PAUSED.labels("kafka").set(int(state is not _State.OPEN))
