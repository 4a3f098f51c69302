"""The ledger's steps on every document store: of two that want the same step, one gets it."""

import asyncio
from datetime import datetime, timedelta

import pytest

from recado.channels.contract import Entity, Part
from recado.dispatcher.callback import SentPart
from recado.dispatcher.delivery import Delivery, PartState
from recado.dispatcher.ledger import Ledger
from recado.dispatcher.ports import Documents, Name
from recado.dispatcher.settling import settling
from recado.schemas.deliveries import NotDeliveredReason, Template
from recado.schemas.webhooks import DeliveryStatus, PlatformError
from support.dispatching import DEADLINE, NOW, answer, outgoing, status

ANSWER = outgoing(answer(1), offset=3)
PARTS = (
    Part(text="negrita", entities=(Entity(type="bold", offset=0, length=7),)),
    Part(text="final"),
)
FIRST = SentPart(ANSWER.id, 0, ANSWER.conversation)


def now() -> datetime:
    return NOW


@pytest.fixture
def ledger(documents: Documents) -> Ledger:
    return Ledger(documents, now, owner="one")


@pytest.fixture
def other(documents: Documents) -> Ledger:
    return Ledger(documents, now, owner="other")


@pytest.fixture(autouse=True)
async def prepared(documents: Documents) -> None:
    """With validators: MongoDB takes all that is written here."""
    await documents.prepare()


async def claimed(ledger: Ledger) -> Delivery:
    delivery = await ledger.claim(await ledger.open(ANSWER, PARTS), 0)
    assert delivery is not None
    return delivery


async def test_the_first_to_open_fixes_text_and_parts(ledger: Ledger, other: Ledger) -> None:
    """Whoever opens later gets what was fixed, formatting included."""
    first = await ledger.open(ANSWER, PARTS)
    again = await other.open(outgoing(answer(1, text="otra")), (Part(text="otra"),))
    assert again == first
    assert again.text == ANSWER.text
    assert tuple(part.content for part in again.parts) == PARTS
    assert not again.begun


async def test_of_many_that_begin_an_answer_one_has_its_first_part_claimed(
    ledger: Ledger, other: Ledger
) -> None:
    """Opened and claimed in one step: the entry is what opening and claiming make, also read."""
    begun = await asyncio.gather(*(each.begin(ANSWER, PARTS) for each in (ledger, other) * 4))
    (won,) = [entry for entry in begun if entry is not None]
    assert won == await ledger.read(won.id)
    first, second = won.parts
    assert (first.state, first.attempt, first.repeats) == (PartState.CLAIMED, 1, 0)
    assert first.owner in ("one", "other")
    assert first.claimed_at == NOW
    assert second.state is PartState.PENDING
    assert won.begun
    opened = await ledger.open(outgoing(answer(1, text="otra")), (Part(text="otra"),))
    assert opened == won


async def test_who_opened_before_keeps_what_was_fixed_from_one_who_begins(
    ledger: Ledger, other: Ledger
) -> None:
    """Beginning changes nothing of an entry that is there, whatever became of it."""
    opened = await ledger.open(ANSWER, PARTS)
    assert await other.begin(outgoing(answer(1, text="otra")), (Part(text="otra"),)) is None
    assert await ledger.read(opened.id) == opened
    closed = await ledger.close(opened, ANSWER, NotDeliveredReason.HANDOFF)
    assert await other.begin(ANSWER, PARTS) is None
    assert await ledger.read(opened.id) == closed


async def test_the_last_part_and_the_outcome_are_entered_in_one_step(ledger: Ledger) -> None:
    """What is told of the entry is what a reader finds; there is no second outcome."""
    delivery = await claimed(ledger)
    sent = await ledger.sent(delivery, 0, "wamid.1")
    assert sent is not None
    assert sent == await ledger.read(delivery.id)
    last = await ledger.claim(sent, 1)
    assert last is not None
    closed = await ledger.sent(last, 1, "wamid.2", closing=ANSWER)
    assert closed is not None
    assert closed == await ledger.read(delivery.id)
    assert closed.outcome is not None
    assert (closed.outcome.reason, closed.outcome.at) == (None, NOW)
    assert closed.outcome.deadline == NOW + DEADLINE
    assert closed.platform_message_ids == ("wamid.1", "wamid.2")
    assert await ledger.sent(last, 1, "wamid.3", closing=ANSWER) is None
    assert await ledger.read(delivery.id) == closed


async def test_a_last_part_that_a_status_has_settled_is_not_closed_by_its_result(
    ledger: Ledger, documents: Documents
) -> None:
    """The report was quicker than the platform's answer: whoever looks again closes it."""
    begun = await ledger.begin(ANSWER, PARTS[:1])
    assert begun is not None
    await documents.apply([settling(FIRST, status("wamid.1", DeliveryStatus.SENT))])
    assert await ledger.sent(begun, 0, "wamid.1", closing=ANSWER) is None
    found = await ledger.read(begun.id)
    assert found.parts[0].state is PartState.SENT
    assert found.outcome is None
    assert await ledger.close(found, ANSWER) is not None


async def test_an_entry_expires_after_thirty_days(ledger: Ledger, documents: Documents) -> None:
    """Longer than the platforms repeat a webhook."""
    delivery = await ledger.open(ANSWER, PARTS)
    row = await documents.read(Name.DELIVERIES, delivery.id)
    assert row is not None
    assert row["expires_at"] == NOW + timedelta(days=30)


async def test_of_two_claims_one_succeeds(ledger: Ledger, other: Ledger) -> None:
    """Two processes that see the part pending do not both send it."""
    delivery = await ledger.open(ANSWER, PARTS)
    claims = await asyncio.gather(*(each.claim(delivery, 0) for each in (ledger, other) * 4))
    (won,) = [claim for claim in claims if claim is not None]
    assert won.parts[0].state is PartState.CLAIMED
    assert won.parts[0].attempt == 1
    assert won.parts[0].claimed_at == NOW
    assert won.parts[1].state is PartState.PENDING
    assert won.begun


async def test_a_part_goes_from_claimed_to_sent(ledger: Ledger) -> None:
    """With the platform's id, and only once."""
    delivery = await claimed(ledger)
    sent = await ledger.sent(delivery, 0, "wamid")
    assert sent is not None
    assert (sent.parts[0].state, sent.parts[0].platform_message_id) == (PartState.SENT, "wamid")
    assert sent.parts_sent == 1
    assert sent.platform_message_ids == ("wamid", "")
    assert await ledger.sent(delivery, 0, "another") is None
    assert await ledger.uncertain(delivery, 0) is None
    assert await ledger.release(delivery, 0) is None


async def test_a_refused_part_keeps_its_reason(ledger: Ledger) -> None:
    """So that the outcome can say it, after a crash too."""
    delivery = await claimed(ledger)
    error = PlatformError(code=131047, title="window")
    failed = await ledger.failed(delivery, 0, NotDeliveredReason.WINDOW_CLOSED, error)
    assert failed is not None
    assert failed == await ledger.read(delivery.id)
    assert failed.parts[0].reason is NotDeliveredReason.WINDOW_CLOSED
    assert failed.parts[0].error == error


async def test_a_released_claim_can_be_claimed_again_without_being_a_repeat(
    ledger: Ledger, other: Ledger
) -> None:
    """Nothing was sent under it."""
    released = await ledger.release(await claimed(ledger), 0)
    assert released is not None
    again = await other.claim(released, 0)
    assert again is not None
    assert (again.parts[0].attempt, again.parts[0].repeats) == (2, 0)
    assert again.parts[0].owner == "other"


async def test_an_uncertain_part_that_is_claimed_again_counts_as_repeated(ledger: Ledger) -> None:
    """A customer may see it twice, and that is to be known."""
    uncertain = await ledger.uncertain(await claimed(ledger), 0)
    assert uncertain is not None
    assert uncertain.parts[0].uncertain_at == NOW
    again = await ledger.claim(uncertain, 0)
    assert again is not None
    assert again.repeated_parts == 1


async def test_a_late_result_of_a_claim_that_was_given_up_still_counts(
    ledger: Ledger, other: Ledger
) -> None:
    """The part is sent, and whoever took it for uncertain learns it."""
    delivery = await claimed(ledger)
    uncertain = await other.uncertain(delivery, 0)
    assert uncertain is not None
    assert await ledger.sent(delivery, 0, "wamid") is not None
    assert await other.claim(uncertain, 0) is None


async def test_a_result_of_a_claim_that_was_claimed_again_does_not_count(
    ledger: Ledger, other: Ledger
) -> None:
    """An attempt's number names one claim for good."""
    delivery = await claimed(ledger)
    uncertain = await other.uncertain(delivery, 0)
    assert uncertain is not None
    assert await other.claim(uncertain, 0) is not None
    assert await ledger.sent(delivery, 0, "wamid") is None
    assert await ledger.release(delivery, 0) is None


async def test_a_status_settles_what_is_claimed_or_uncertain_and_nothing_else(
    ledger: Ledger, documents: Documents
) -> None:
    """A pending part was not sent by this claim; a part that is known stays as it is."""
    delivery = await ledger.open(ANSWER, PARTS)
    await documents.apply([settling(FIRST, status("wamid", DeliveryStatus.DELIVERED))])
    assert (await ledger.read(delivery.id)).parts[0].state is PartState.PENDING
    await ledger.claim(delivery, 0)
    await documents.apply([settling(FIRST, status("wamid", DeliveryStatus.DELIVERED))])
    settled = await ledger.read(delivery.id)
    assert settled.parts[0].platform_message_id == "wamid"
    await documents.apply(
        [settling(FIRST, status("wamid", DeliveryStatus.FAILED, errors=[PlatformError(code=1)]))]
    )
    assert (await ledger.read(delivery.id)).parts[0].state is PartState.SENT


async def test_a_status_of_an_answer_or_part_that_is_not_there_changes_nothing(
    ledger: Ledger, documents: Documents
) -> None:
    """It makes neither an entry nor a part."""
    await documents.apply([settling(FIRST, status("wamid", DeliveryStatus.SENT))])
    assert await documents.read(Name.DELIVERIES, str(ANSWER.id)) is None
    delivery = await ledger.open(ANSWER, PARTS)
    await documents.apply([settling(FIRST._replace(part=7), status("wamid", DeliveryStatus.SENT))])
    assert await ledger.read(delivery.id) == delivery


async def test_an_outcome_is_final_until_it_is_taken_back(ledger: Ledger, other: Ledger) -> None:
    """Of two outcomes the first counts; reopening gives refused parts another try."""
    delivery = await claimed(ledger)
    error = PlatformError(code=1)
    failed = await ledger.failed(delivery, 0, NotDeliveredReason.REFUSED, error)
    assert failed is not None
    closed = await ledger.close(failed, ANSWER, NotDeliveredReason.REFUSED, error)
    assert closed is not None
    assert closed.outcome is not None
    assert (closed.outcome.at, closed.outcome.deadline) == (NOW, NOW + DEADLINE)
    assert await other.close(failed, ANSWER) is None
    reopened = await ledger.reopen(closed)
    assert reopened is not None
    assert reopened.outcome is None
    assert [part.state for part in reopened.parts] == [PartState.PENDING] * 2
    assert await other.reopen(closed) is None


async def test_parts_that_nobody_has_begun_can_be_replaced_by_others(
    ledger: Ledger, other: Ledger
) -> None:
    """One of those who want to; what was tried counts on, so no two claims have one name."""
    held = await claimed(ledger)
    released = await ledger.release(held, 0)
    assert released is not None
    template = Template(name="respuesta", language="es")
    fitting = tuple(Part(text=text, template=template) for text in ("uno", "dos", "tres"))
    refitted = await ledger.refit(released, fitting)
    assert refitted is not None
    assert tuple(part.content for part in refitted.parts) == fitting
    assert [part.attempt for part in refitted.parts] == [1, 0, 0]
    assert await other.refit(released, PARTS) is None
    assert await other.read(refitted.id) == refitted
    won = await other.claim(refitted, 0)
    assert won is not None
    with pytest.raises(ValueError, match="begun"):
        await ledger.refit(won, PARTS)
    assert await ledger.refit(refitted, PARTS) is None


async def test_an_invitation_that_was_sent_stays_when_the_answer_itself_is_put_behind_it(
    ledger: Ledger,
) -> None:
    asking = Template(name="escribenos", language="es", carries_text=False)
    begun = await ledger.begin(ANSWER, (Part(text="escribenos", template=asking),))
    assert begun is not None
    invited = await ledger.sent(begun, 0, "wamid.1")
    assert invited is not None
    assert not invited.begun
    refitted = await ledger.refit(invited, PARTS)
    assert refitted is not None
    assert [part.state for part in refitted.parts] == [PartState.SENT] + [PartState.PENDING] * 2
    assert refitted.platform_message_ids == ("wamid.1", "", "")
    assert tuple(part.content for part in refitted.parts[1:]) == PARTS
    assert await ledger.read(refitted.id) == refitted
