"""What is made again from the topics is what was recorded live, whatever happened."""

import subprocess
import sys
from collections import Counter
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import JsonValue

from recado.channels.errors import (
    ChatMoved,
    Refused,
    ResultUnknown,
    RetryLater,
    SendError,
    Unclassified,
)
from recado.channels.registry import CHANNELS
from recado.channels.whatsapp.settings import WhatsAppIntegration
from recado.channels.whatsapp.template import OutsideWindow
from recado.dispatcher import callback, ports
from recado.dispatcher.closing import Closing
from recado.dispatcher.errors import InvalidDocument
from recado.dispatcher.ledger import KEPT
from recado.dispatcher.ports import Documents, Name
from recado.dispatcher.rebuild.core import CannotBeWritten, Rebuilding
from recado.schemas.base import Platform
from recado.schemas.content import Change
from recado.schemas.conversations import ReplyTo
from recado.schemas.deliveries import NotDeliveredReason
from recado.schemas.events import AnswerGenerated, Event, MessageReceived, StatusReported
from recado.schemas.webhooks import DeliveryStatus, MessageKind, PlatformError
from recado.servicekit.consuming import event_of
from recado_lanes import Record, Transient
from support.amendments import STORY as AMENDED
from support.dispatching import (
    CLOSES_AFTER,
    NOW,
    TELEGRAM,
    WHATSAPP,
    World,
    answer,
    handoff_released,
    handoff_requested,
    message,
    operator_reply,
    record,
    status,
)
from support.memory_documents import MemoryDocuments
from support.rebuilt import differences, told
from support.running import run

from .outcomes import LONG
from .test_forgetting import forgotten
from .test_refusals import told as told_of

REFUSED = PlatformError(code=131026, title="Message undeliverable")
CARRYING: dict[str, JsonValue] = {"name": "respuesta", "language": "es"}
ASKING: dict[str, JsonValue] = {"name": "escribenos", "language": "es", "carries_text": False}
WHATSAPP_INTEGRATION = WhatsAppIntegration.model_validate(
    {
        "name": "wa",
        "platform": "whatsapp",
        "phone_number_id": "1",
        "access_token": "t",
        "app_secret": "s",
        "verify_token": "v",
    }
)
OTHER = PlatformError(code=4711, title="Something new")


class Past:
    """A live dispatcher, and the topics that it and the others have written."""

    def __init__(self) -> None:
        self.world = World()
        self.topics: list[Record] = []
        self._offsets: Counter[str] = Counter()
        self._published = 0
        self.said: dict[str, list[MessageReceived]] = {}
        self.forgets = False
        self.has_moved = False

    def has_template(self, template: dict[str, JsonValue] | None) -> None:
        """What WhatsApp's integration sends outside the 24 hours."""
        self.world.platforms.integrations[Platform.WHATSAPP] = WHATSAPP_INTEGRATION.model_copy(
            update={"outside_window": template and OutsideWindow.model_validate(template)}
        )

    async def happens(self, event: Event) -> None:
        """The event is written, read, and worked on until it is done."""
        one = self._written(event)
        await self._read(one)

    async def is_said(self, reply_to: ReplyTo) -> None:
        """The customer's next message."""
        said = self.said.setdefault(reply_to.chat, [])
        one = message(len(said) + 1, reply_to)
        now = {"occurred_at": self.world.now, "sent_at": self.world.now}
        said.append(one.model_copy(update=now))
        await self.happens(said[-1])

    async def answer_to(self, to: ReplyTo, which: set[int], **made: object) -> AnswerGenerated:
        """An answer to some of the last messages."""
        if to.chat not in self.said:
            await self.is_said(to)
        said = self.said[to.chat]
        numbers = sorted({max(1, len(said) - one) for one in which})
        times = {"received_at": said[numbers[0] - 1].occurred_at, "occurred_at": self.world.now}
        return answer(*numbers, reply_to=to, **times, **made)

    async def sweep(self, documents: Documents) -> None:
        """Close what is silent by now."""
        await Closing(documents, self.world.clock, after=CLOSES_AFTER).sweep()

    def has_told_of(self, report: StatusReported) -> bool:
        """Whether the answer that it is about is there."""
        part = callback.read(report.callback_data)
        told = (event_of(one) for one in self.topics if one.topic == "recado.answers")
        return part is not None and any(event and event.id == part.answer_id for event in told)

    async def comes_again(self, number: int) -> None:
        """A record is handled once more: its offset was not committed."""
        await self._read(self.topics[number % len(self.topics)])

    def _written(self, event: Event) -> Record:
        topic = record(event).topic
        one = record(event, self._offsets[topic], self.world.now)
        self._offsets[topic] += 1
        self.topics.append(one)
        return one

    async def _read(self, one: Record) -> None:
        if one.topic == "recado.deliveries":
            return
        for _ in range(100):
            try:
                await self.world._handle(one)
                break
            except Transient:
                self.world.now += timedelta(seconds=30)
        else:
            raise AssertionError(f"{one.topic} {one.offset} does not end")
        self.world.now += timedelta(seconds=1)
        for event in self.world.published[self._published :]:
            self._written(event)
        self._published = len(self.world.published)

    async def rebuilt(self) -> MemoryDocuments:
        """Another database, made from the topics."""
        documents = MemoryDocuments()
        rebuilding = Rebuilding(
            documents,
            CHANNELS,
            lambda: NOW + timedelta(days=1),
            webhooks_kept=timedelta(days=30),
            closes_after=CLOSES_AFTER,
            ledger_kept=KEPT,
        )
        for one in self.topics:
            await rebuilding.take(one)
        # Nobody is told of an answer to what is forgotten.
        assert rebuilding.without_outcome == 0 or self.forgets
        return documents


async def same(past: Past) -> None:
    """Every collection holds the same in both."""
    live, again = past.world.documents, await past.rebuilt()
    for one in (live, again):
        await past.sweep(one)
    assert isinstance(live, MemoryDocuments)
    differ = [
        difference
        for name in Name
        for difference in differences(
            told(name, live.rows[name].values()), told(name, again.rows[name].values()), name
        )
    ]
    assert differ == []


results: st.SearchStrategy[list[SendError | None]] = st.lists(
    st.sampled_from(
        [
            None,
            None,
            RetryLater("busy"),
            ResultUnknown("ReadError"),
            Refused(NotDeliveredReason.REFUSED, REFUSED),
            Refused(NotDeliveredReason.BLOCKED, REFUSED),
            Refused(NotDeliveredReason.WINDOW_CLOSED, REFUSED),
            Unclassified(OTHER),
        ]
    ),
    max_size=6,
)


def _amends(event: Event) -> bool:
    return isinstance(event, MessageReceived) and event.kind in (
        MessageKind.EDIT,
        MessageKind.REVOKE,
        MessageKind.REACTION,
    )


conversations = st.sampled_from([WHATSAPP, TELEGRAM])
places = st.integers(0, 5)
answers = st.tuples(
    conversations,
    st.sets(places, min_size=1, max_size=2),
    st.fixed_dictionaries(
        {
            "text": st.sampled_from(["respuesta", LONG]),
            "introduces": st.booleans(),
            "resets_history": st.sampled_from([False, False, True]),
            "opts_out": st.sampled_from([None, None, None, True, False]),
        }
    ),
    results,
)
"""To whom, to which of the last messages, what, and what the platform says to it."""

happenings = st.lists(
    st.one_of(
        st.tuples(st.just("message"), conversations),
        st.tuples(st.just("answer"), answers),
        st.tuples(st.just("again"), st.integers(0, 50)),
        st.tuples(st.just("driven again"), answers),
        st.tuples(st.just("sweep"), st.none()),
        st.tuples(st.just("forgotten"), st.builds(forgotten, conversations, whole=st.booleans())),
        st.tuples(st.just("amended"), st.sampled_from([one for one in AMENDED if _amends(one)])),
        st.tuples(
            st.just("status"),
            st.builds(status, st.just("wamid.1"), st.sampled_from(DeliveryStatus)),
        ),
        st.tuples(
            st.just("status of"),
            st.builds(
                status,
                st.just("wamid.2"),
                st.sampled_from([DeliveryStatus.DELIVERED, DeliveryStatus.READ]),
                of=st.builds(answer, st.integers(1, 4)),
            ),
        ),
        st.tuples(st.just("template"), st.sampled_from([None, CARRYING, ASKING])),
        st.tuples(st.just("a day"), st.just(timedelta(hours=24))),
        st.tuples(st.just("moved"), st.just(told_of(900, Change.CHAT_MOVED, new="-100200"))),
        st.tuples(
            st.just("person"),
            st.sampled_from([handoff_requested(), handoff_released(), operator_reply()]),
        ),
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=60)
@given(happenings)
def test_whatever_happened_the_rebuilt_database_is_the_live_one(
    happened: list[tuple[str, object]],
) -> None:
    run(_lives_again(happened))


async def _lives_again(happened: list[tuple[str, object]]) -> None:
    past = Past()
    for what, of in happened:
        match what, of:
            case "again", int(number):
                # What an order to forget does when it comes again is `test_forgetting`'s; in a chat
                # that moved nobody writes any more, as they do here.
                if past.topics and not past.forgets and not past.has_moved:
                    await past.comes_again(number)
            case "message", ReplyTo() as reply_to:
                await past.is_said(reply_to)
            case (
                ("answer" | "driven again"),
                (ReplyTo() as to, set(which), dict(made), list(said)),
            ):
                past.world.platforms.results = list(said)
                later = timedelta(hours=1 if what == "driven again" else 0)
                deadline = past.world.now + timedelta(minutes=15) + later
                await past.happens(await past.answer_to(to, which, deadline=deadline, **made))
                past.world.platforms.results = []
            case "template", template:
                past.has_template(template)  # type: ignore[arg-type]  # one of three
            case "a day", timedelta() as long:
                past.world.now += long
            case "forgotten", event:
                past.forgets = True
                await past.happens(event)  # type: ignore[arg-type]  # an event
            case "status of", StatusReported() as report:
                # A report that comes before its answer is one of two topics that are not in step;
                # that with a forgotten customer in between is no history that can be.
                if "forgotten" not in dict(happened) or past.has_told_of(report):
                    await past.happens(report)
            case "sweep", None:
                await past.sweep(past.world.documents)
            case "moved", MessageReceived() as event:
                if not past.has_moved:
                    past.has_moved = True
                    await past.happens(event)
            case _, event:
                await past.happens(event)  # type: ignore[arg-type]  # the others are events
    await same(past)


async def test_a_chat_that_moved_while_it_was_answered_is_moved_again() -> None:
    past = Past()
    await past.happens(message(1, TELEGRAM))
    past.world.platforms.results = [ChatMoved("-100200")]
    await past.happens(answer(1, reply_to=TELEGRAM))
    await past.happens(answer(2, reply_to=TELEGRAM))
    assert past.world.platforms.asked[1][0].chat == "-100200"
    await same(past)


async def test_an_answer_without_an_outcome_is_left_to_the_dispatcher() -> None:
    """It finds no entry of it and sends it once."""
    past = Past()
    await past.happens(message(1))
    one = past._written(answer(1))
    documents = MemoryDocuments()
    rebuilding = _rebuilding(documents)
    for each in past.topics:
        await rebuilding.take(each)
    assert rebuilding.without_outcome == 1
    live = World(documents)
    await live._handle(one)
    assert live.platforms.arrived == ["respuesta a 1"]


@pytest.mark.parametrize("reply_to", [WHATSAPP, TELEGRAM])
async def test_what_has_an_outcome_is_not_sent_from_a_rebuilt_database(reply_to: ReplyTo) -> None:
    """Its event, delivered once more, finds the closed entry and tells the same outcome again."""
    past = Past()
    await past.happens(message(1, reply_to))
    await past.happens(answer(1, reply_to=reply_to, text=LONG))
    live = World(await past.rebuilt())
    await live._handle(past.topics[1])
    assert live.platforms.asked == []
    assert live.published == past.world.published


async def test_what_was_not_delivered_can_be_driven_again_from_a_rebuilt_database() -> None:
    past = Past()
    past.world.platforms.results = [None, Refused(NotDeliveredReason.REFUSED, REFUSED)]
    await past.happens(answer(1, text=LONG))
    live = World(await past.rebuilt())
    await live.take(answer(1, text=LONG, deadline=NOW + timedelta(hours=2)), offset=9)
    assert [text[0] for text in live.platforms.arrived] == ["b", "c"]


async def test_a_record_that_nobody_can_read_is_counted_and_costs_nothing_else() -> None:
    rebuilding = _rebuilding(MemoryDocuments())
    whole = record(message(1))
    await rebuilding.take(
        Record(whole.topic, 0, 0, whole.key, b"{", whole.headers, datetime.now(NOW.tzinfo))
    )
    await rebuilding.take(whole)
    assert rebuilding.taken == {"unreadable": 1, "message.received": 1}


async def test_a_record_that_makes_no_valid_document_is_left_out_and_told() -> None:
    """Live it was a dead letter, and everything else went on."""
    documents = MemoryDocuments()
    rebuilding = _rebuilding(documents)

    def refused(change: ports.Change) -> bool:
        if change.id == str(message(1).id):
            raise InvalidDocument
        return False

    documents.goes_away_before = refused
    await rebuilding.take(record(message(1), offset=7))
    await rebuilding.take(record(message(2), offset=8))
    assert rebuilding.refused == ["recado.messages 0/7"]
    assert str(message(2).id) in documents.rows[Name.MESSAGES]


async def test_a_record_that_our_code_fails_at_is_named_without_its_words() -> None:
    documents = MemoryDocuments()

    def fails(change: ports.Change) -> bool:
        raise TypeError(change)

    documents.goes_away_before = fails
    with pytest.raises(CannotBeWritten) as raised:
        await _rebuilding(documents).take(record(message(1), offset=7))
    assert str(raised.value) == "recado.messages 0/7 can't be written: TypeError"


def test_nothing_that_sends_is_loaded() -> None:
    """The process of a rebuild could not send if it wanted to."""
    script = (
        "import sys, recado.dispatcher.rebuild.__main__; "
        "print(*(one for one in sys.modules if one.startswith('recado.')))"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, text=True)
    loaded = set(ran.stdout.split())
    assert "recado.dispatcher.rebuild.core" in loaded
    assert not {one for one in loaded if one.endswith((".send", ".sending", ".senders", ".parts"))}
    assert "recado.servicekit.publishing" not in loaded


def _rebuilding(documents: MemoryDocuments) -> Rebuilding:
    return Rebuilding(
        documents,
        CHANNELS,
        lambda: NOW,
        webhooks_kept=timedelta(days=30),
        closes_after=CLOSES_AFTER,
        ledger_kept=KEPT,
    )
