"""What an authentic body holds that is not for us, or that nobody can read."""

import pytest

from recado.channels.contract import ParsedWebhook
from recado.schemas.webhooks import (
    WebhookOutcome,
    WebhookReceived,
)
from recado.servicekit import metrics

from .receiving import Bench, counted, said


async def test_an_authentic_body_that_is_unreadable_is_recorded_and_200(bench: Bench) -> None:
    answer = await bench.post(body=b'{"a": \xff')

    assert (answer.status, said(answer)["status"]) == (200, "unreadable")
    webhook = bench.webhook()
    assert (webhook.outcome, webhook.error) == (WebhookOutcome.UNREADABLE, "not JSON")
    assert webhook.payload_encoding == "base64"


async def test_a_bug_of_the_parser_is_recorded_and_200_and_quotes_nothing(bench: Bench) -> None:
    answer = await bench.post({"bug": True})

    assert answer.status == 200
    webhook = bench.webhook()
    assert webhook.outcome is WebhookOutcome.UNREADABLE
    assert "ZeroDivisionError" in (webhook.error or "")
    assert "nobody may see" not in (webhook.error or "")


async def test_a_malformed_part_costs_nothing_but_itself(bench: Bench) -> None:
    answer = await bench.post({"messages": ["a"], "problems": ["messages[1]: no sender"]})

    assert said(answer)["messages"] == 1
    assert said(answer)["error"] == "messages[1]: no sender"
    assert bench.webhook().outcome is WebhookOutcome.ACCEPTED
    assert bench.webhook().error == "messages[1]: no sender"


async def test_a_number_that_is_not_configured_is_recorded_only(bench: Bench) -> None:
    answer = await bench.post({"unknown": ["4711", "4711"]})

    assert (answer.status, said(answer)["status"]) == (200, "unknown_integration")
    (webhook,) = bench.events()
    assert isinstance(webhook, WebhookReceived)
    assert webhook.error == "not a configured integration: 4711"


async def test_an_authentic_request_with_nothing_for_us_is_ignored(bench: Bench) -> None:
    answer = await bench.post({"type": "account_update"})

    assert said(answer)["status"] == "ignored"
    assert bench.webhook().event_type == "account_update"


async def test_a_kind_without_a_name_of_ours_is_counted_by_the_platforms(bench: Bench) -> None:
    metrics.UNKNOWN_KINDS.clear()
    await bench.post({"kinds": ["hologram", "hologram", "not a name"]})
    assert counted(metrics.UNKNOWN_KINDS, "whatsapp", "hologram") == 2
    assert counted(metrics.UNKNOWN_KINDS, "whatsapp", "other") == 1


async def test_a_part_of_no_kind_of_ours_is_counted_by_the_platforms_though_no_event(
    bench: Bench,
) -> None:
    metrics.UNKNOWN_KINDS.clear()
    await bench.post({"unknown_kinds": ["status_teleported", "no name"], "problems": ["a part"]})
    assert bench.webhook().outcome is WebhookOutcome.UNREADABLE
    assert counted(metrics.UNKNOWN_KINDS, "whatsapp", "status_teleported") == 1
    assert counted(metrics.UNKNOWN_KINDS, "whatsapp", "other") == 1


async def test_news_of_the_account_is_in_the_record_and_counted(bench: Bench) -> None:
    metrics.ACCOUNT_CHANGES.clear()
    await bench.post({"type": "account_alerts", "changes": ["account_alerts", "security"]})
    webhook = bench.webhook()
    assert [one.type for one in webhook.account_changes] == ["account_alerts", "security"]
    assert webhook.outcome is WebhookOutcome.IGNORED
    assert counted(metrics.ACCOUNT_CHANGES, "whatsapp", "security") == 1


async def test_what_is_wrong_with_a_body_is_told_in_bounds(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the answer as in the record, however much of it there is."""

    def much_is_wrong(*_: object, **__: object) -> ParsedWebhook:
        return ParsedWebhook("message", problems=("not an object",) * 1000)

    monkeypatch.setattr(bench.whatsapp, "parse", much_is_wrong)
    told = said(await bench.post({}))["error"]
    assert isinstance(told, str)
    assert len(told) == 1000
    assert bench.webhook().error == told
