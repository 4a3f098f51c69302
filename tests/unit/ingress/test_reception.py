"""What an authentic request becomes: its records together, its answer, its repeats."""

import json

import pytest

from recado.channels.contract import Integration
from recado.schemas.base import Platform
from recado.schemas.encoding import decode
from recado.schemas.topics import STATUSES
from recado.schemas.webhooks import (
    WebhookOutcome,
    WebhookReceived,
)
from recado.servicekit import tracing

from .receiving import Bench, said


async def test_everything_in_a_request_and_its_record_is_published_together(bench: Bench) -> None:
    answer = await bench.post({"messages": ["a", "b"], "statuses": ["c"]})

    assert (answer.status, said(answer)) == (
        200,
        {"status": "accepted", "messages": 2, "statuses": 1},
    )
    *events, webhook = bench.events()
    assert [event.type for event in events] == [
        "message.received",
        "message.received",
        "status.reported",
    ]
    assert isinstance(webhook, WebhookReceived)
    assert webhook.event_ids == tuple(event.id for event in events)
    assert (webhook.outcome, webhook.status, webhook.error) == (WebhookOutcome.ACCEPTED, 200, None)
    assert json.loads(webhook.payload) == {"messages": ["a", "b"], "statuses": ["c"]}


async def test_without_an_acknowledgement_it_is_503_with_a_time_to_wait(bench: Bench) -> None:
    bench.kafka_up = False

    answer = await bench.post({"messages": ["a"]})

    assert answer.status == 503
    assert answer.headers == {"Retry-After": "5"}
    assert said(answer)["status"] == "unavailable"


async def test_while_kafka_is_known_to_be_away_nothing_is_parsed(bench: Bench) -> None:
    bench.outbox.shut()

    assert (await bench.post({"messages": ["a"]})).status == 503
    assert bench.whatsapp.parsed == []


async def test_messages_without_an_id_are_taken_with_a_warning(bench: Bench) -> None:
    answer = await bench.post({"messages": ["a", None]})

    assert said(answer)["messages"] == 2
    assert "no protection against repeats" in str(said(answer)["warning"])


async def test_messages_with_an_id_come_without_a_warning(bench: Bench) -> None:
    assert "warning" not in said(await bench.post({"messages": ["a"]}))


async def test_a_repeat_is_another_request_of_which_only_the_record_is_published(
    bench: Bench,
) -> None:
    await bench.post({"messages": ["a"]})
    answer = await bench.post({"messages": ["a", "b"], "statuses": ["c"]})

    assert said(answer) == {"status": "accepted", "messages": 2, "statuses": 1, "repeats": 1}
    first, second = (
        [decode(one.headers, one.value) for one in records] for records in bench.published
    )
    assert [event.type for event in second] == [
        "message.received",
        "status.reported",
        "webhook.received",
    ]
    record = second[-1]
    assert isinstance(record, WebhookReceived)
    assert record.event_ids == (first[0].id, second[0].id, second[1].id)
    assert record.repeats == 1
    assert record.id != first[-1].id


async def test_what_kafka_did_not_take_is_no_repeat(bench: Bench) -> None:
    bench.kafka_up = False
    assert (await bench.post({"messages": ["a"]})).status == 503
    bench.kafka_up = True

    answer = await bench.post({"messages": ["a"]})

    assert "repeats" not in said(answer)
    assert len(bench.events()) == 2


async def test_an_event_that_is_too_large_for_its_topic_costs_nothing_but_itself(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recado.ingress.packing.ENVELOPE_BYTES", STATUSES.max_record - 10)

    answer = await bench.post({"messages": ["a"], "statuses": ["b"]})

    assert (said(answer)["messages"], said(answer)["statuses"]) == (1, 0)
    assert "too large for its topic" in str(said(answer)["error"])
    assert len(bench.webhook().event_ids) == 1


async def test_a_path_without_a_name_stands_for_all_enabled_integrations(bench: Bench) -> None:
    await bench.post({"messages": ["a"]})
    assert [one.name for one in bench.whatsapp.given] == ["main", "second"]

    await bench.post({"messages": ["a"]}, integration="second")
    assert [one.name for one in bench.whatsapp.given] == ["second"]


async def test_other_accounts_count_for_the_requests_that_come_after(bench: Bench) -> None:
    bench.directory.replace([Integration(name="new", platform=Platform.WHATSAPP)])

    assert (await bench.post({}, integration="new")).status == 200
    assert (await bench.post({}, integration="main")).status == 404
    assert (await bench.post({}, platform="telegram")).status == 404


async def test_all_records_of_a_request_carry_one_trace(bench: Bench) -> None:
    tracing.configure("ingress-test")
    await bench.post({"messages": ["a", "b"]})

    (records,) = bench.published
    traces = {tracing.traceparent_of(one.headers) for one in records}
    assert len(traces) == 1
    assert traces != {None}
