"""Dispatchers as processes that stop before every step outside, and go on when they are told to.

A step is a call of the store, a request to a platform, a publication. What becomes of it is decided
by the test: it works, it fails, it works and its answer is lost, or the process dies in it, and
then the request may still arrive, as long as its time-out lasts. Nothing here waits for real time.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import count

from recado.channels.contract import Part
from recado.channels.errors import ResultUnknown, RetryLater
from recado.dispatcher import callback
from recado.dispatcher.errors import StoreUnavailable
from recado.dispatcher.handlers import LookAgain
from recado.dispatcher.ledger import KEPT
from recado.dispatcher.ports import Change, Document, Name
from recado.dispatcher.statuses import Statuses
from recado.schemas.conversations import ReplyTo
from recado.schemas.events import (
    AnswerDelivered,
    AnswerGenerated,
    AnswerNotDelivered,
    StatusReported,
)
from recado.servicekit.kafka import NotAcknowledged
from recado_lanes import Transient, Unavailable
from support.dispatching import NOW, SEND_TIMEOUT, Platforms, World, record
from support.memory_documents import MemoryDocuments

PartKey = tuple[str, int]
"""An answer's id and a part's number."""


class Fate(StrEnum):
    """What becomes of a step."""

    WORKS = "works"
    FAILS = "fails"
    """It has no effect, and the caller hears of it."""
    UNHEARD = "unheard"
    """It has its effect, and the caller does not hear of it."""
    NOTHING_HEARD = "nothing heard"
    """It has no effect, and the caller does not know that."""


@dataclass(eq=False)
class Step:
    """A step that waits for its fate."""

    process: "Process"
    effect: Callable[[], Awaitable[object]]
    failures: Mapping[Fate, Callable[[], Exception]]
    ends: datetime | None = None
    """When the caller gives it up: a request's time-out."""
    decided: asyncio.Future[Fate] = field(default_factory=asyncio.Future)

    async def run(self) -> object:
        fate = await self.decided
        result = await self.effect() if fate in (Fate.WORKS, Fate.UNHEARD) else None
        if fate is Fate.WORKS:
            return result
        failure = self.failures[fate]()
        raise failure


class Arrivals:
    """What the customers see, in order; it holds the ledger to its word at each arrival."""

    def __init__(self, store: MemoryDocuments) -> None:
        self._store = store
        self.places: dict[str, tuple[str, int]] = {}
        """Of each answer: its conversation and its place in it."""
        self.seen: list[PartKey] = []
        self.settled: set[PartKey] = set()
        """Known to have arrived when nobody was about to send it."""
        self.broken: list[str] = []
        """Promises that were not kept."""
        self.late: list[tuple[datetime, PartKey]] = []
        """Requests of dead processes, still on their way."""

    def entry(self, key: PartKey) -> Mapping[str, object]:
        """The part as it is in the ledger."""
        parts = self._store.rows[Name.DELIVERIES][key[0]]["parts"]
        assert isinstance(parts, list)
        part: Mapping[str, object] = parts[key[1]]
        return part

    def arrive(self, key: PartKey) -> None:
        if key in self.seen:
            if not self.entry(key).get("uncertain_at"):
                self.broken.append(f"{key} came twice and was never uncertain")
        else:
            conversation, place = self.places[key[0]]
            earlier = [
                (self.places[answer][1], part)
                for answer, part in self.seen
                if self.places[answer][0] == conversation
            ]
            if (place, key[1]) < max(earlier, default=(-1, -1)):
                self.broken.append(f"{key} came out of its order")
        self.seen.append(key)


class Store(MemoryDocuments):
    """The shared store, as one process reaches it: each call is a step."""

    def __init__(self, shared: MemoryDocuments, process: "Process") -> None:
        super().__init__()
        self._shared = shared
        self._process = process

    async def insert(self, collection: Name, document: Document) -> bool:
        return bool(await self._step(lambda: self._shared.insert(collection, document)))

    async def read(self, collection: Name, document_id: str) -> Document | None:
        return await self._document(lambda: self._shared.read(collection, document_id))

    async def read_many(self, collection: Name, ids: Collection[str]) -> list[Document]:
        await self._step(self._shared.ping)
        return await self._shared.read_many(collection, ids)

    async def find(self, collection: Name, equal: Mapping[str, object]) -> Document | None:
        return await self._document(lambda: self._shared.find(collection, equal))

    async def update(self, change: Change) -> Document | None:
        return await self._document(lambda: self._shared.update(change))

    async def apply(self, changes: Sequence[Change]) -> Sequence[bool]:
        return [await self.update(change) is not None for change in changes]

    async def _document(self, effect: Callable[[], Awaitable[Document | None]]) -> Document | None:
        found = await self._step(effect)
        assert found is None or isinstance(found, Mapping)
        return found

    async def _step(self, effect: Callable[[], Awaitable[object]]) -> object:
        away = lambda: StoreUnavailable("told to be away")  # noqa: E731 - one word for three
        failures = {Fate.FAILS: away, Fate.UNHEARD: away, Fate.NOTHING_HEARD: away}
        return await self._process.step(effect, failures)


class Network(Platforms):
    """The platforms, as one process reaches them: each request is a step."""

    def __init__(self, process: "Process") -> None:
        super().__init__()
        self._process = process

    async def send(
        self,
        reply_to: ReplyTo,
        part: Part,
        *,
        callback_data: str,
        quoted_message_id: str | None = None,
    ) -> str:
        sent = callback.read(callback_data)
        assert sent is not None
        arrivals = self._process.simulation.arrivals
        key = str(sent.answer_id), sent.part
        if key in arrivals.settled:
            arrivals.broken.append(f"{key} was sent although it had been reported")
        if self._process.simulation.under_way(key):
            arrivals.broken.append(f"{key} was sent while an earlier request could arrive")
        claimed_at = arrivals.entry(key)["claimed_at"]
        assert isinstance(claimed_at, datetime)

        async def arrive() -> str:
            arrivals.arrive(key)
            return f"wamid.{len(arrivals.seen)}"

        unknown = lambda: ResultUnknown("ReadTimeout")  # noqa: E731 - one word for two
        failures: dict[Fate, Callable[[], Exception]] = {
            Fate.FAILS: lambda: RetryLater("ConnectTimeout"),
            Fate.UNHEARD: unknown,
            Fate.NOTHING_HEARD: unknown,
        }
        ends = claimed_at + SEND_TIMEOUT
        return str(await self._process.step(arrive, failures, ends=ends, request=key))


class Process(World):
    """One process run of a dispatcher. After `die` none of its steps is made any more."""

    _names = count(1)

    def __init__(self, simulation: "Simulation") -> None:
        self.simulation = simulation
        self.steps: dict[Step, PartKey | None] = {}
        self.handling: dict[str, asyncio.Task[None]] = {}
        super().__init__(Store(simulation.store, self))
        self.platforms = Network(self)
        self.restart()
        self.ledger.owner = f"process {next(self._names)}"

    def clock(self) -> datetime:
        return self.simulation.now

    async def step(
        self,
        effect: Callable[[], Awaitable[object]],
        failures: Mapping[Fate, Callable[[], Exception]],
        *,
        ends: datetime | None = None,
        request: PartKey | None = None,
    ) -> object:
        step = Step(self, effect, failures, ends)
        self.steps[step] = request
        try:
            return await step.run()
        finally:
            self.steps.pop(step, None)

    async def _publish(self, event: AnswerDelivered | AnswerNotDelivered) -> None:
        async def publish() -> None:
            self.simulation.published.append(event)

        lost = lambda: NotAcknowledged((), "told to fail")  # noqa: E731 - one word for three
        await self.step(publish, {Fate.FAILS: lost, Fate.UNHEARD: lost, Fate.NOTHING_HEARD: lost})


class Simulation:
    """Conversations on a topic, the processes that work at them, and the time."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.now = NOW
        self.store = MemoryDocuments()
        self.arrivals = Arrivals(self.store)
        self.published: list[AnswerDelivered | AnswerNotDelivered] = []
        self.topic: dict[str, list[AnswerGenerated]] = {}
        self.done: dict[str, int] = {}
        """Committed: so many answers of each conversation."""
        self.owner: dict[str, int] = {}
        self.not_before: dict[str, datetime] = {}
        self.processes = [Process(self), Process(self)]
        self._ended: list[asyncio.Task[None]] = []

    def publish(self, answer: AnswerGenerated) -> None:
        answers = self.topic.setdefault(answer.conversation, [])
        self.arrivals.places[str(answer.id)] = answer.conversation, len(answers)
        answers.append(answer)
        self.done.setdefault(answer.conversation, 0)
        self.owner.setdefault(answer.conversation, 0)

    def begin(self) -> bool:
        """Have every owner take the next record of its conversations; whether one did."""
        begun = False
        for conversation, answers in self.topic.items():
            process = self.processes[self.owner[conversation]]
            waits = self.now < self.not_before.get(conversation, self.now)
            if conversation in process.handling or waits or self.done[conversation] == len(answers):
                continue
            task = self.loop.create_task(self._handle(process, conversation))
            process.handling[conversation] = task
            begun = True
        self._let_run()
        return begun

    async def _handle(self, process: Process, conversation: str) -> None:
        """As lanes does: commit what is handled, wait where it says so, begin again otherwise."""
        place = self.done[conversation]
        try:
            await process.handlers.handle(record(self.topic[conversation][place], place))
        except LookAgain as pending:
            wait: timedelta | None = pending.wait
        except Transient as error:
            wait = error.retry_after or timedelta(0)
        except Unavailable:
            wait = timedelta(0)
        else:
            wait = None
        process.handling.pop(conversation, None)
        if process is not self.processes[self.owner[conversation]]:
            return  # its partition has gone: it neither commits nor goes on
        if wait is None:
            self.done[conversation] = max(self.done[conversation], place + 1)
        else:
            self.not_before[conversation] = self.now + wait

    def report(self, event: StatusReported) -> None:
        """A report is recorded, all at once: what it does is one update of the ledger."""
        statuses = Statuses(self.store, lambda: self.now, kept=KEPT)
        self.loop.run_until_complete(statuses.report(event))

    def under_way(self, key: PartKey) -> bool:
        """Whether a request for this part may still arrive."""
        living = [request for process in self.processes for request in process.steps.values()]
        return key in living or key in [request for _, request in self.arrivals.late]

    def waiting(self) -> list[Step]:
        return [step for process in self.processes for step in process.steps]

    def decide(self, step: Step, fate: Fate) -> None:
        """Let a step have its fate, and its process go on to the next."""
        if not step.decided.done():
            step.decided.set_result(fate)
        self._let_run()

    def die(self, number: int, *, writes_land: bool, requests: Fate | None) -> None:
        """kill -9 and a new start. What was on its way lands or not, a request perhaps late."""
        dead = self.processes[number]
        self.processes[number] = Process(self)
        for step, request in [*dead.steps.items()]:
            if request is None:
                if writes_land:
                    self.loop.run_until_complete(_awaited(step.effect))
            elif requests is Fate.WORKS:
                self.loop.run_until_complete(_awaited(step.effect))
            elif requests is Fate.UNHEARD and step.ends is not None:
                self.arrivals.late.append((step.ends, request))
        for task in dead.handling.values():
            task.cancel()
            self._ended.append(task)
        # What is cancelled may want to make another step: nobody lets it.
        self._let_run()
        for conversation, owner in self.owner.items():
            if owner == number:
                self.not_before.pop(conversation, None)

    def move(self, conversation: str) -> None:
        """A rebalance: the other process gets it, while the first may still be at it."""
        self.owner[conversation] = 1 - self.owner[conversation]
        self.not_before.pop(conversation, None)

    def pass_time(self, by: timedelta, *, slow_requests_arrive: bool) -> None:
        """Requests end with their time-out; those of the dead arrive by then, if ever."""
        until = self.now + by
        while True:
            late = min(self.arrivals.late, default=None)
            ends = [(step.ends, step) for step in self.waiting() if step.ends is not None]
            first = min(ends, key=lambda end: end[0], default=None)
            if late is not None and late[0] <= until and (first is None or late[0] <= first[0]):
                self.now = max(self.now, late[0])
                self.arrivals.late.remove(late)
                self.arrivals.arrive(late[1])
            elif first is not None and first[0] <= until:
                self.now = max(self.now, first[0])
                self.decide(first[1], Fate.UNHEARD if slow_requests_arrive else Fate.NOTHING_HEARD)
            else:
                break
        self.now = until

    def end(self) -> None:
        """Nothing goes wrong any more: everything comes to its end, or this fails."""
        assert not self.arrivals.broken
        for _ in range(5_000):
            if not any(self.unfinished()) and not self.waiting():
                break
            if steps := self.waiting():
                self.decide(steps[0], Fate.WORKS)
            elif not self.begin():
                self.pass_time(timedelta(seconds=1), slow_requests_arrive=True)
        assert not self.arrivals.broken
        assert not [*self.unfinished()], "an answer never came to its end"

    def unfinished(self) -> Iterator[str]:
        return (one for one, answers in self.topic.items() if self.done[one] < len(answers))

    def close(self) -> None:
        tasks = [task for process in self.processes for task in process.handling.values()]
        for task in [*tasks, *self._ended]:
            task.cancel()
        if tasks or self._ended:
            self.loop.run_until_complete(asyncio.wait([*tasks, *self._ended], timeout=5))
        self.loop.close()

    def _let_run(self) -> None:
        self.loop.run_until_complete(_turns())


async def _awaited(effect: Callable[[], Awaitable[object]]) -> None:
    await effect()


async def _turns() -> None:
    """Until every task has come to its next step: each needs a few turns of the loop."""
    for _ in range(6):
        await asyncio.sleep(0)
