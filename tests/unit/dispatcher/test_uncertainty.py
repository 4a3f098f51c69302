"""Crashes, time-outs and lost writes: what is not known, and how it becomes known."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from recado.channels.errors import ResultUnknown, RetryLater
from recado.dispatcher.delivery import Delivery, PartState
from recado.dispatcher.ports import Change, Document, Name
from recado.schemas.deliveries import NotDeliveredReason
from recado.schemas.events import AnswerDelivered, AnswerNotDelivered
from recado.schemas.webhooks import DeliveryStatus, PlatformError
from recado_lanes import Transient, Unavailable
from support.dispatching import (
    DEADLINE,
    NOW,
    SEND_TIMEOUT,
    SKEW,
    TELEGRAM,
    UNCERTAIN_AFTER,
    World,
    answer,
    status,
)
from support.memory_documents import MemoryDocuments


class Killed(BaseException):
    """The process ends here: nothing of it runs any more."""


async def crash_in_a_send(world: World, *, arrives: bool) -> None:
    """The process dies while its request is under way; the platform took the part, or not."""

    async def die() -> None:
        if arrives:
            world.platforms.arrived.append(world.platforms.asked[-1][1].text)
        raise Killed

    world.platforms.before_answering = die
    with pytest.raises(Killed):
        await world.take(answer(1))
    world.platforms.before_answering = None
    world.restart()


def delivered(world: World) -> AnswerDelivered:
    (event,) = world.published
    assert isinstance(event, AnswerDelivered)
    return event


async def test_after_a_crash_a_status_settles_the_part_and_it_is_not_sent_again() -> None:
    """WhatsApp's report names the part: it arrived, so the customer sees it once."""
    world = World()
    await crash_in_a_send(world, arrives=True)

    async def report() -> None:
        if world.now > NOW + SEND_TIMEOUT + SKEW + timedelta(seconds=3):
            await world.statuses.report(status("wamid.X", of=answer(1)))

    world.meanwhile = report
    await world.take(answer(1))
    assert world.platforms.arrived == ["respuesta a 1"]
    assert len(world.platforms.asked) == 1
    assert delivered(world).platform_message_ids == ("wamid.X",)
    assert delivered(world).repeated_parts == 0


async def test_a_status_that_came_before_the_takeover_settles_it_without_waiting() -> None:
    """A claim whose part is reported needs no time-out to be known."""
    world = World()
    await crash_in_a_send(world, arrives=True)
    await world.statuses.report(status("wamid.X", DeliveryStatus.SENT, of=answer(1)))
    await world.take(answer(1))
    assert len(world.platforms.asked) == 1
    assert world.waited == []


async def test_after_a_crash_without_a_status_the_part_is_sent_again_once_and_counted() -> None:
    """Not before the request can't be under way any more and a status had its time."""
    world = World()
    await crash_in_a_send(world, arrives=False)
    await world.take(answer(1))
    assert world.platforms.arrived == ["respuesta a 1"]
    assert world.now >= NOW + SEND_TIMEOUT + SKEW + UNCERTAIN_AFTER
    assert delivered(world).repeated_parts == 1
    await world.take(answer(1))
    assert len(world.platforms.asked) == 2


async def test_nobody_takes_a_claim_over_while_its_request_may_be_under_way() -> None:
    """A rebalance does not stop a request: its process still gets to enter the result."""
    world, other = World(), World()
    other.documents = world.documents
    other.platforms = world.platforms
    other.restart()
    other.ledger.owner = "the other process"

    async def second_process_takes_the_record() -> None:
        async def ends_well() -> None:
            if other.now > NOW + SEND_TIMEOUT:
                delivery = await world.ledger.read(str(answer(1).id))
                assert delivery.parts[0].state == "claimed"
                await world.ledger.sent(delivery, 0, "wamid.first")

        world.platforms.before_answering = None
        other.meanwhile = ends_well
        await other.take(answer(1))

    world.platforms.before_answering = second_process_takes_the_record
    await world.take(answer(1))
    assert len(world.platforms.asked) == 1
    assert delivered(other).platform_message_ids == ("wamid.first",)
    assert delivered(world) == delivered(other)


async def test_a_failed_status_settles_the_part_as_refused() -> None:
    """The platform took the request and then could not deliver: no second try."""
    world = World()
    await crash_in_a_send(world, arrives=False)
    error = PlatformError(code=131026)
    await world.take(status("wamid.X", DeliveryStatus.FAILED, of=answer(1), errors=[error]))
    await world.take(answer(1))
    (outcome,) = world.published
    assert isinstance(outcome, AnswerNotDelivered)
    assert (outcome.reason, outcome.error) == (NotDeliveredReason.REFUSED, error)
    assert len(world.platforms.asked) == 1


@pytest.mark.parametrize("resends", [True, False])
async def test_on_telegram_the_setting_decides_about_a_part_of_unknown_result(
    resends: bool,
) -> None:
    """`resend` sends it again and counts it, `leave` says that nobody knows."""
    world = World(telegram_resends=resends)
    world.platforms.results = [ResultUnknown("ReadTimeout")]
    await world.take(answer(1, reply_to=TELEGRAM))
    (outcome,) = world.published
    if resends:
        assert isinstance(outcome, AnswerDelivered)
        assert outcome.repeated_parts == 1
        assert len(world.platforms.asked) == 2
    else:
        assert isinstance(outcome, AnswerNotDelivered)
        assert outcome.reason is NotDeliveredReason.UNCERTAIN
        assert len(world.platforms.asked) == 1


async def test_an_uncertain_part_is_not_sent_again_after_the_deadline() -> None:
    """What may have arrived is not sent late a second time."""
    world = World()
    world.platforms.results = [ResultUnknown("ReadTimeout")]
    world.now = NOW + DEADLINE - timedelta(seconds=5)
    await world.take(answer(1))
    assert len(world.platforms.asked) == 1
    (outcome,) = world.published
    assert isinstance(outcome, AnswerNotDelivered)
    assert outcome.reason is NotDeliveredReason.UNCERTAIN


async def test_a_request_that_hangs_ends_at_the_send_timeout_as_uncertain() -> None:
    """The platform's silence is bounded by us, counted from the claim."""
    world = World(telegram_resends=False)

    async def time_runs_out() -> None:
        raise TimeoutError

    world.platforms.before_answering = time_runs_out
    await world.take(answer(1, reply_to=TELEGRAM))
    (outcome,) = world.published
    assert isinstance(outcome, AnswerNotDelivered)
    assert outcome.reason is NotDeliveredReason.UNCERTAIN


async def test_mongodb_away_after_the_send_does_not_send_again() -> None:
    """The process remembers the platform's answer until the ledger has it."""
    world = World()
    documents = _memory(world)
    documents.goes_away_before = _sets_state("sent")
    with pytest.raises(Unavailable):
        await world.take(answer(1))
    documents.goes_away_before, documents.away = (lambda _change: False), False
    await world.take(answer(1))
    assert world.platforms.arrived == ["respuesta a 1"]
    assert len(world.platforms.asked) == 1
    assert world.waited == []
    assert delivered(world).platform_message_ids == ("wamid.1",)


@pytest.mark.parametrize("write", ["sent", "'outcome': {"])
async def test_what_was_sent_counts_although_its_integration_is_gone_since(write: str) -> None:
    """The customer has it: only what is still to be sent needs the integration."""
    world = World()
    documents = _memory(world)
    documents.goes_away_before = lambda change: write in repr(change.update)
    with pytest.raises(Unavailable):
        await world.take(answer(1))
    documents.goes_away_before, documents.away = (lambda _change: False), False
    world.platforms.known = False
    await world.take(answer(1))
    assert delivered(world).platform_message_ids == ("wamid.1",)


async def test_what_may_have_arrived_is_uncertain_when_its_integration_is_gone_since() -> None:
    """It can't be sent again, and nobody knows that it was not sent."""
    world = World()
    await crash_in_a_send(world, arrives=True)
    world.platforms.known = False
    await world.take(answer(1))
    (outcome,) = world.published
    assert isinstance(outcome, AnswerNotDelivered)
    assert outcome.reason is NotDeliveredReason.UNCERTAIN


async def test_mongodb_away_before_the_claim_sends_nothing() -> None:
    """Without the ledger nothing goes out; when it is back, the answer does, once."""
    world = World()
    documents = _memory(world)
    documents.away = True
    with pytest.raises(Unavailable):
        await world.take(answer(1))
    assert world.platforms.asked == []
    documents.away = False
    await world.take(answer(1))
    assert len(world.platforms.asked) == 1


async def test_a_claim_whose_answer_got_lost_is_not_taken_for_a_send() -> None:
    """MongoDB stored the claim and went away: nothing was requested, so nothing is uncertain."""
    world = World()
    documents = _memory(world)
    documents.loses_answer_to = _sets_state("claimed")
    with pytest.raises(Unavailable):
        await world.take(answer(1))
    documents.loses_answer_to, documents.away = (lambda _change: False), False
    await world.take(answer(1))
    assert world.waited == []
    assert len(world.platforms.asked) == 1
    assert delivered(world).repeated_parts == 0


async def test_a_claim_that_took_half_of_a_sends_time_sends_nothing_and_leaves_no_doubt() -> None:
    """With less left, a request that never got a connection could be taken for one that did."""
    world = World()

    class Slow(MemoryDocuments):
        async def update(self, change: Change) -> Document | None:
            changed = await super().update(change)
            if _sets_state("claimed")(change):
                world.now += SEND_TIMEOUT * 0.51
            return changed

    world.documents = slow = Slow()
    world.restart()
    with pytest.raises(Transient):
        await world.take(answer(1))
    assert world.platforms.asked == []
    entry = slow.rows[Name.DELIVERIES][str(answer(1).id)]
    assert Delivery.model_validate(entry).parts[0].state is PartState.PENDING


@pytest.mark.parametrize(
    "step",
    [
        "'message_ids'",
        "claimed",
        "sent",
        "'outcome': {",
        "recent",
        "outcome_at",
        "answered_by",
    ],
)
@pytest.mark.parametrize("lost", ["the write", "its answer"])
async def test_mongodb_may_go_away_at_any_step_and_the_customer_sees_the_answer_once(
    step: str, lost: str
) -> None:
    """Whichever write fails, done or not, handling the record again completes the answer."""
    world = World()
    documents = _memory(world)

    def strikes(change: Change) -> bool:
        return step in repr(change.update)

    if lost == "the write":
        documents.goes_away_before = strikes
    else:
        documents.loses_answer_to = strikes
    with pytest.raises(Unavailable):
        await world.take(answer(1))
    documents.goes_away_before = documents.loses_answer_to = lambda _change: False
    documents.away = False
    await world.take(answer(1))
    assert world.platforms.arrived == ["respuesta a 1"]
    assert delivered(world).repeated_parts == 0
    row = await world.row(Name.MESSAGES, answer(1).id)
    assert (row["outcome"], row["platform_ids"]) == ("delivered", ["wamid.1"])


async def test_nothing_is_taken_for_sent_after_a_platform_asked_for_a_pause_and_a_crash() -> None:
    """A released claim leaves no doubt behind: no wait, no repeat."""
    world = World()
    world.platforms.results = [RetryLater("429")]
    with pytest.raises(Transient):
        await world.take(answer(1))
    world.restart()
    await world.take(answer(1))
    assert world.waited == []
    assert delivered(world).repeated_parts == 0


def _memory(world: World) -> MemoryDocuments:
    assert isinstance(world.documents, MemoryDocuments)
    return world.documents


def _sets_state(state: str) -> Callable[[Change], bool]:
    """Whether a change does so to the first part, in a step of its own or as its entry is made."""

    def sets(change: Change) -> bool:
        made = change.update.get("$setOnInsert", {}).get("parts")
        if isinstance(made, list) and made[0]["state"] == state:
            return True
        return change.update.get("$set", {}).get("parts.0.state") == state

    return sets
