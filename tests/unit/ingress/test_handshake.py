"""A platform's handshake, answered or not."""

from recado.schemas.webhooks import (
    WebhookOutcome,
)

from .receiving import Bench


async def test_a_handshake_is_answered_with_its_challenge_as_text(bench: Bench) -> None:
    answer = await bench.get(token="right", challenge="1158201444")

    assert (answer.status, answer.body) == (200, b"1158201444")
    assert answer.media_type.startswith("text/plain")
    webhook = bench.webhook()
    assert (webhook.event_type, webhook.outcome) == ("verification", WebhookOutcome.VERIFIED)
    assert "right" not in webhook.model_dump_json()


async def test_a_handshake_with_a_wrong_token_is_403(bench: Bench) -> None:
    answer = await bench.get(token="wrong", challenge="1")

    assert answer.status == 403
    assert bench.rejected[0][0].event_type == "verification"
    assert bench.published == []


async def test_a_platform_without_a_handshake_says_405(bench: Bench) -> None:
    answer = await bench.get("telegram")

    assert (answer.status, answer.headers) == (405, {"Allow": "POST"})


async def test_a_handshake_without_kafka_is_503(bench: Bench) -> None:
    bench.kafka_up = False

    assert (await bench.get(token="right", challenge="1")).status == 503
