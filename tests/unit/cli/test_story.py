"""The steps that records tell of, and which records belong to a message."""

from datetime import timedelta
from io import StringIO
from uuid import UUID, uuid4

from rich.console import Console

from recado.cli.belonging import about, last_of, names_of
from recado.cli.finding import Asked, Found
from recado.cli.letters import REDRIVE_COUNT
from recado.cli.story import between, event_of, story_of
from recado.cli.timeline import show
from recado.schemas import events, ids
from recado.schemas.answers import Rung
from recado.schemas.encoding import encode
from recado.schemas.webhooks import DeliveryStatus
from recado_lanes.dead_letter import DeadLetter
from recado_lanes.record import Record
from support import examples
from support.examples import NOW

AT = NOW


def record_of(event: events.Event, offset: int = 0, **headers: bytes) -> Record:
    encoded = encode(event, source="test")
    own = (*encoded.headers, *headers.items())
    at = event.occurred_at
    return Record(encoded.topic, 3, offset, encoded.key, encoded.value, own, at)


def told(number: int) -> list[Record]:
    """Everything about one message: webhook, message, answer, delivery, a report."""
    after = timedelta(minutes=number)
    webhook_id = uuid4()
    message_id = ids.message_id("whatsapp-demo", "message", "1234567890", f"wamid.{number}")
    answer_id = ids.answer_id([message_id])
    webhook = examples.WEBHOOK_RECEIVED.model_copy(
        update={"id": webhook_id, "occurred_at": NOW + after, "event_ids": (message_id,)}
    )
    message = examples.MESSAGE_RECEIVED.model_copy(
        update={
            "id": message_id,
            "occurred_at": NOW + after,
            "webhook_id": webhook_id,
            "platform_message_id": f"wamid.{number}",
        }
    )
    answer = examples.ANSWER_GENERATED.model_copy(
        update={
            "id": answer_id,
            "message_ids": (message_id,),
            "occurred_at": NOW + after + timedelta(seconds=2),
        }
    )
    delivered = examples.ANSWER_DELIVERED.model_copy(
        update={
            "id": ids.outcome_id(answer_id, "delivered"),
            "answer_id": answer_id,
            "message_ids": (message_id,),
            "conversation": examples.CONVERSATION,
            "platform_message_ids": (f"out.{number}.a", f"out.{number}.b"),
            "occurred_at": NOW + after + timedelta(seconds=3),
        }
    )
    report = examples.STATUS_REPORTED.model_copy(
        update={
            "id": uuid4(),
            "platform_message_id": f"out.{number}.b",
            "status": DeliveryStatus.READ,
            "errors": (),
            "callback_data": None,
            "occurred_at": NOW + after + timedelta(seconds=4),
        }
    )
    made = (webhook, message, answer, delivered, report)
    return [record_of(event, number) for event in made]


def test_every_step_is_told_in_order_with_what_it_took() -> None:
    steps = story_of(reversed(told(0)))
    assert [step.name for step in steps] == [
        "webhook", "message", "history", "retrieval", "generation", "answer", "sent",
        "status read",
    ]  # fmt: skip
    _, message, history, retrieval, generation, answer, sent, read = steps
    timings = examples.ANSWER_GENERATED.timings
    assert (history.took, retrieval.took, generation.took, answer.took) == (
        timings.history, timings.retrieval, timings.generation, timings.total,
    )  # fmt: skip
    assert timings.generation is not None
    assert generation.at - retrieval.at == timings.generation
    assert message.text == examples.MESSAGE_RECEIVED.text
    assert retrieval.details == (
        "1. ¿Por qué mi internet está lento? › Primeros pasos: score 0.970, similarity 0.830",
    )
    assert generation.facts == "gemini-3.8-flash, 812 + 64 tokens"
    assert answer.facts == Rung.GROUNDED.value
    assert sent.details == ("part 1: out.0.a", "part 2: out.0.b")
    assert read.facts == "part 2"
    assert len({step.message_ids for step in steps}) == 1


def told_together() -> list[Record]:
    """Two messages, each with its webhook, and one answer to both."""
    first, second = told(0), told(1)
    both = tuple(event.id for one in (first[1], second[1]) if (event := event_of(one)))
    answer_id = ids.answer_id(both)
    later = NOW + timedelta(minutes=1, seconds=2)
    answer = examples.ANSWER_GENERATED.model_copy(
        update={"id": answer_id, "message_ids": both, "occurred_at": later}
    )
    delivered = examples.ANSWER_DELIVERED.model_copy(
        update={
            "id": ids.outcome_id(answer_id, "delivered"),
            "answer_id": answer_id,
            "message_ids": both,
            "conversation": examples.CONVERSATION,
            "occurred_at": later + timedelta(seconds=1),
        }
    )
    return [*first[:2], *second[:2], record_of(answer, 1), record_of(delivered, 1)]


def test_one_answer_to_two_messages_is_told_with_both() -> None:
    """Whichever of them is asked for; every step of the answer names both."""
    records = told_together()
    steps = story_of(records)
    messages = [step for step in steps if step.name == "message"]
    both = tuple(one for step in messages for one in step.message_ids)
    assert len(both) == 2
    assert {
        step.name: step.message_ids for step in steps if step.name not in {"webhook", "message"}
    } == dict.fromkeys(("history", "retrieval", "generation", "answer", "sent"), both)
    conversation = [one for one in records if one.topic != "recado.webhooks"]
    for one in both:
        assert about(conversation, {one}) == conversation

    screen = Console(file=StringIO(), width=80)
    show(Found(examples.CONVERSATION, records, 0), steps, screen, full=False)
    assert isinstance(screen.file, StringIO)
    shown = screen.file.getvalue()
    for named in ("message #1", "message #2", "answer #1 #2", "sent #1 #2"):
        assert named in shown, shown


def test_a_search_tells_which_similarity_was_needed() -> None:
    """Else nobody sees why a passage was not good enough; an older event doesn't tell it."""
    (older,) = (
        one for one in story_of([record_of(examples.ANSWER_GENERATED)]) if one.name == "retrieval"
    )
    assert older.facts == "1 passages of 5 asked for"
    assert examples.ANSWER_GENERATED.retrieval is not None
    retrieval = examples.ANSWER_GENERATED.retrieval.model_copy(
        update={"no_answer_similarity": 0.21}
    )
    answer = examples.ANSWER_GENERATED.model_copy(update={"retrieval": retrieval})
    (told,) = (one for one in story_of([record_of(answer)]) if one.name == "retrieval")
    assert told.facts == "1 passages of 5 asked for, needed is similarity 0.210"


def test_times_count_from_the_first_step_and_from_the_one_before() -> None:
    steps = story_of(told(0))
    times = between(steps)
    assert times[0] == (timedelta(0), None)
    assert times[-1] == (timedelta(seconds=4), timedelta(seconds=1))
    assert sum((since for _, since in times[1:] if since is not None), timedelta()) == times[-1][0]


def test_a_dead_letter_a_broken_record_and_one_sent_back_are_told() -> None:
    message = record_of(examples.MESSAGE_RECEIVED, 1, **{REDRIVE_COUNT: b"2"})
    letter = DeadLetter.of(message, ValueError("why"), service="rag", attempts=1, at=AT)
    dead = Record("recado.rag.dead-letters", 0, 5, message.key, message.value, letter.headers, AT)
    broken = Record("recado.messages", 3, 9, message.key, b"{", message.headers, AT)
    by_name = {step.name: step for step in story_of([message, dead, broken])}
    assert by_name.keys() == {"message", "dead letter", "no event"}
    assert "sent back from the dead letters, time 2" in by_name["message"].details
    assert by_name["dead letter"].facts == "rag: ValueError"
    assert by_name["dead letter"].details[:2] == ("why", "of recado.messages[3]@1")
    assert by_name["no event"].failed


def test_an_answer_that_was_not_sent_says_why() -> None:
    (step,) = story_of([record_of(examples.ANSWER_NOT_DELIVERED)])
    assert (step.name, step.failed) == ("not sent", True)
    assert step.facts == examples.ANSWER_NOT_DELIVERED.reason.value


def test_whichever_id_is_asked_for_the_same_records_are_found() -> None:
    """A message's, its answer's, a report's: the whole of that message and nothing of another."""
    records = [record for number in range(3) for record in told(number)]
    ours = {record.position for record in told(1)[1:]}
    by_id = {event.id: record for record in told(1)[1:] if (event := event_of(record))}
    report = next(
        event
        for record in records
        if isinstance(event := event_of(record), events.StatusReported)
        and event.platform_message_id == "out.1.b"
    )
    message = ids.message_id("whatsapp-demo", "message", "1234567890", "wamid.1")
    assert message in by_id
    for anchor in (message, ids.answer_id([message]), report.id):
        found = about([one for one in records if one.topic != "recado.webhooks"], {anchor})
        assert {one.position for one in found} == ours, anchor


def test_the_last_messages_come_with_all_that_is_about_them() -> None:
    """Not with the answer to an earlier one, however late it came."""
    records = [record for number in range(4) for record in told(number)[1:]]
    late = record_of(
        examples.ANSWER_GENERATED.model_copy(
            update={"message_ids": (uuid4(),), "occurred_at": NOW + timedelta(hours=1)}
        ),
        99,
    )
    kept, left_out = last_of([*records, late], 2)
    assert left_out == 2
    assert {one.offset for one in kept} == {2, 3}
    assert last_of(records, 4) == (records, 0)


def test_an_event_has_the_names_that_people_know_it_by() -> None:
    message = examples.MESSAGE_RECEIVED
    assert names_of(message) == {
        str(message.id), str(message.webhook_id), message.platform_message_id,
    }  # fmt: skip
    assert str(examples.ANSWER_DELIVERED.answer_id) in names_of(examples.ANSWER_DELIVERED)
    half = examples.ANSWER_NOT_DELIVERED.model_copy(update={"platform_message_ids": ("17", "")})
    assert names_of(half) == {str(half.id), str(half.answer_id), "17"}


def test_a_conversation_is_told_from_an_id() -> None:
    def asked(name: str) -> Asked:
        return Asked(name, NOW)

    assert asked("telegram:telegram-demo:123456").is_conversation
    assert asked("telegram:telegram-demo:123456:7").is_conversation
    assert not asked("wamid.HBgK").is_conversation
    assert not asked("123456").is_conversation
    assert asked(str(examples.MESSAGE_ID)).id == UUID(str(examples.MESSAGE_ID))
    assert asked("123456").id is None
