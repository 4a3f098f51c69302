"""Who is turned away before the body counts: by address, method, network, secret, rate."""

import json
from collections.abc import AsyncIterator

import pytest

from recado.schemas.webhooks import (
    WebhookOutcome,
)

from .receiving import Bench, said


async def test_a_wrong_secret_is_401_also_while_kafka_is_away(bench: Bench) -> None:
    bench.outbox.shut()

    assert (await bench.post({}, secret="wrong")).status == 401


async def test_a_request_that_is_not_authentic_is_never_parsed(bench: Bench) -> None:
    answer = await bench.post({"messages": ["a"]}, secret="wrong")

    assert (answer.status, said(answer)) == (401, {"status": "rejected", "error": "wrong secret"})
    assert bench.whatsapp.parsed == []
    assert bench.published == []


async def test_a_rejection_is_noted_with_its_body_and_source(bench: Bench) -> None:
    await bench.post({"messages": ["a"]}, secret="wrong", integration="second")

    ((event, bucket, source),) = bench.rejected
    assert (event.outcome, event.status, event.error) == (
        WebhookOutcome.REJECTED,
        401,
        "wrong secret",
    )
    assert (event.platform, event.integration) == ("whatsapp", "second")
    assert json.loads(event.payload) == {"messages": ["a"]}
    assert (bucket, source) == ("whatsapp/second", "192.0.2.1")


@pytest.mark.parametrize(
    ("platform", "integration"),
    [("signal", None), ("WhatsApp", None), ("whatsapp", "nobody"), ("whatsapp", "bot")],
)
async def test_an_unknown_address_is_404(
    bench: Bench, platform: str, integration: str | None
) -> None:
    posted = await bench.post({}, platform=platform, integration=integration)
    asked = await bench.get(platform, integration, token="right", challenge="1")

    assert (posted.status, asked.status) == (404, 404)


async def test_a_disabled_integration_looks_like_none(bench: Bench) -> None:
    disabled = await bench.post({}, integration="old")
    unknown = await bench.post({}, integration="none")

    assert (disabled.status, disabled.body) == (unknown.status, unknown.body)
    assert disabled.status == 404


@pytest.mark.parametrize(("platform", "allow"), [("whatsapp", "GET, POST"), ("telegram", "POST")])
async def test_a_method_that_there_is_not_is_405_and_says_which_there_are(
    bench: Bench, platform: str, allow: str
) -> None:
    answer = await bench.other(platform)

    assert (answer.status, answer.headers) == (405, {"Allow": allow})


async def test_an_unknown_address_is_404_whatever_the_method(bench: Bench) -> None:
    assert (await bench.other("signal")).status == 404


async def test_another_network_than_the_integrations_is_403_before_the_body_is_read(
    bench: Bench,
) -> None:
    read = False

    async def chunks() -> AsyncIterator[bytes]:
        nonlocal read
        read = True
        yield b"{}"

    answer = await bench.post(body=chunks(), platform="telegram", integration="fenced")

    assert answer.status == 403
    assert not read
    assert "198.51.100" not in answer.body.decode()


async def test_a_path_without_a_name_leaves_out_those_of_other_networks(bench: Bench) -> None:
    await bench.post({"messages": ["a"]}, platform="telegram")

    assert [one.name for one in bench.telegram.given] == ["bot", "slow"]


async def test_beyond_its_rate_an_authentic_request_is_429_with_a_time_to_wait(
    bench: Bench,
) -> None:
    answers = [
        await bench.post({"messages": [one]}, platform="telegram", integration="slow")
        for one in ("a", "b", "c")
    ]

    assert [one.status for one in answers] == [200, 200, 429]
    assert answers[-1].headers == {"Retry-After": "2"}
    assert len(bench.telegram.parsed) == 2


async def test_what_is_not_authentic_takes_nothing_of_the_rate(bench: Bench) -> None:
    for _ in range(9):
        await bench.post({}, platform="telegram", integration="slow", secret="wrong")

    assert (await bench.post({}, platform="telegram", integration="slow")).status == 200


async def test_names_that_do_not_exist_share_one_bucket(bench: Bench) -> None:
    for name in ("x", "y", "z"):
        await bench.post({}, platform=name)

    assert {bucket for _, bucket, _ in bench.rejected} == {""}
