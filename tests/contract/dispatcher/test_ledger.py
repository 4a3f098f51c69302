"""The ledger's steps on every document store: of two that want the same step, one gets it."""

import asyncio
from datetime import datetime, timedelta

import pytest

from recado.channels.contract import Entity, Part
from recado.dispatcher.callback import SentPart
from recado.dispatcher.delivery import Delivery, PartState
from recado.dispatcher.ledger import Ledger
from recado.dispatcher.ports import Documents, Name
from recado.schemas.deliveries import NotDeliveredReason
from recado.schemas.webhooks import DeliveryStatus, PlatformError
from support.dispatching import DEADLINE, NOW, answer, outgoing

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
    ledger: Ledger,
) -> None:
    """A pending part was not sent by this claim; a part that is known stays as it is."""
    delivery = await ledger.open(ANSWER, PARTS)
    await ledger.settle(FIRST, DeliveryStatus.DELIVERED, "wamid", ())
    assert (await ledger.read(delivery.id)).parts[0].state is PartState.PENDING
    await ledger.claim(delivery, 0)
    await ledger.settle(FIRST, DeliveryStatus.DELIVERED, "wamid", ())
    settled = await ledger.read(delivery.id)
    assert settled.parts[0].platform_message_id == "wamid"
    await ledger.settle(FIRST, DeliveryStatus.FAILED, "wamid", (PlatformError(code=1),))
    assert (await ledger.read(delivery.id)).parts[0].state is PartState.SENT


async def test_a_status_of_an_answer_or_part_that_is_not_there_changes_nothing(
    ledger: Ledger, documents: Documents
) -> None:
    """It makes neither an entry nor a part."""
    await ledger.settle(FIRST, DeliveryStatus.SENT, "wamid", ())
    assert await documents.read(Name.DELIVERIES, str(ANSWER.id)) is None
    delivery = await ledger.open(ANSWER, PARTS)
    await ledger.settle(FIRST._replace(part=7), DeliveryStatus.SENT, "wamid", ())
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
