"""How many answers may be under way, so that reports of what arrived find room beside them."""

import asyncio

from recado.dispatcher.app import ceilings, options
from recado.dispatcher.handlers import READS
from recado.dispatcher.ports import Name
from recado.dispatcher.settings import DispatcherSettings
from recado.schemas.conversations import ReplyTo
from recado.schemas.encoding import encode
from recado.schemas.events import Event
from recado.schemas.topics import CONVERSATION_PARTITIONS
from recado_lanes import Lanes
from recado_lanes.testing import FakeConsumer, FakeDeadLetters, FakeKafka, poll_until
from support.dispatching import WHATSAPP, World, answer, message, status
from support.examples import WEBHOOK_RECEIVED
from support.memory_documents import MemoryDocuments


def customer(number: int) -> ReplyTo:
    return WHATSAPP.model_copy(update={"chat": f"54911{number:08}"})


async def test_a_platform_that_hangs_holds_up_no_report_no_message_and_no_webhook() -> None:
    """A hundred customers' answers hang: three quarters of the slots are sends, the rest works."""
    world, settings = World(), DispatcherSettings()
    assert isinstance(world.documents, MemoryDocuments)
    rows = world.documents.rows
    answers_again = asyncio.Event()

    async def hang() -> None:
        await answers_again.wait()

    world.platforms.before_answering = hang
    kafka = FakeKafka({topic.name: CONVERSATION_PARTITIONS for topic in READS})
    member = FakeConsumer(kafka)
    member.lanes = Lanes(
        handlers=world.handlers.by_topic(),
        consumer=member,
        dead_letters=FakeDeadLetters(),
        options=options(settings),
        ceilings=ceilings(settings),
    )

    def publish(event: Event, number: int) -> None:
        one = encode(event, source="test")
        partition = number % CONVERSATION_PARTITIONS
        kafka.append(one.topic, one.value, key=one.key, partition=partition, headers=one.headers)

    answers = [answer(number, reply_to=customer(number)) for number in range(100)]
    for number, event in enumerate(answers):
        publish(event, number)
    async with member.lanes:
        await kafka.join(member)
        await poll_until(lambda: len(world.platforms.asked) == 48, member)
        report, question = status("wamid.X", of=answers[0]), message(1)
        publish(report, 0)
        publish(question, 0)
        publish(WEBHOOK_RECEIVED, 0)
        await poll_until(
            lambda: (
                "reports" in rows[Name.MESSAGES].get(str(answers[0].id), {})
                and str(question.id) in rows[Name.MESSAGES]
                and str(WEBHOOK_RECEIVED.id) in rows[Name.WEBHOOKS]
            ),
            member,
        )
        assert len(world.platforms.asked) == 48
        assert world.published == []
        answers_again.set()
        await poll_until(lambda: len(world.published) == 100, member)
    assert len(world.platforms.asked) == 100
