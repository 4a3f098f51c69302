"""What may pass is asked for again, as the other side wants and within the deadline."""

from dataclasses import replace
from datetime import timedelta

import httpx
import pytest
from pydantic import JsonValue

from recado.rag.errors import ModelQuota, ModelUnavailable
from recado.rag.gemini import Gemini
from support.gemini_api import TRANSPORT_FAILURES, scripted

from .conftest import KEY, OPTIONS, PROMPT, World, answering, good, quota


async def test_an_overloaded_model_is_asked_again(world: World) -> None:
    await world.api.fault({"kind": "broken", "status": 503, "count": 2})
    assert (await world.gemini().generate(PROMPT)).text
    assert len(await world.api.calls()) == 3


async def test_a_model_that_stays_broken_is_unavailable_after_so_many_attempts(
    world: World,
) -> None:
    await world.api.fault({"kind": "broken", "status": 500})
    with pytest.raises(ModelUnavailable, match="500 INTERNAL"):
        await world.gemini(attempts=2).generate(PROMPT)
    assert len(await world.api.calls()) == 2


@pytest.mark.parametrize(
    "answer",
    [
        quota({"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "7.5s"}),
        quota(retry_after="7"),
        httpx.Response(503, json={"error": {"code": 503}}, headers={"Retry-After": "7"}),
    ],
)
async def test_what_the_other_side_asks_for_is_waited(
    answer: httpx.Response,
) -> None:
    """RetryInfo and Retry-After, which the library's own retries ignore."""
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    http, _ = scripted(answer, good())
    patient = Gemini(KEY, replace(OPTIONS, timeout=timedelta(seconds=20)), http, sleep=sleep)
    assert (await patient.generate(PROMPT)).text == "Hecho."
    assert len(waits) == 1
    assert 7 <= waits[0] <= 8


async def test_a_wait_that_is_longer_than_the_deadline_is_not_begun() -> None:
    gemini, asked = answering(quota(retry_after="3600"), good())
    with pytest.raises(ModelQuota):
        await gemini.generate(PROMPT)
    assert len(asked) == 1


async def test_a_quota_of_the_day_is_not_tried_again() -> None:
    per_day: dict[str, JsonValue] = {
        "violations": [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier"}]
    }
    gemini, asked = answering(quota(per_day), good())
    with pytest.raises(ModelQuota, match="for the day"):
        await gemini.generate(PROMPT)
    assert len(asked) == 1


@pytest.mark.parametrize("failure", TRANSPORT_FAILURES)
async def test_what_the_transport_raises_is_unavailable_and_tried_again(
    failure: httpx.HTTPError,
) -> None:
    """These are no `APIError`: the library lets them through as they are."""
    gemini, asked = answering(failure)
    with pytest.raises(ModelUnavailable, match=type(failure).__name__):
        await gemini.generate(PROMPT)
    assert len(asked) == OPTIONS.attempts
    gemini, _ = answering(failure, good())
    assert (await gemini.generate(PROMPT)).text == "Hecho."


async def test_the_deadline_is_that_of_the_whole_call(world: World) -> None:
    await world.api.fault({"kind": "hang"})
    with pytest.raises(ModelUnavailable, match=r"no answer within 0\.2 s"):
        await world.gemini(timeout=timedelta(milliseconds=200)).generate(PROMPT)
