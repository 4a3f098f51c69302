"""What passes is tried again within the deadline; all else is told, and no word of a text."""

from datetime import timedelta

import httpx
import pytest
from pydantic import JsonValue, SecretStr

from recado.knowledge.errors import EmbedderMisconfigured, KnowledgeUnavailable
from support.gemini_api import TRANSPORT_FAILURES

from .conftest import KEY, OPTIONS, SECRET_TEXT, World, answering, refused, vectors


@pytest.mark.parametrize("kind", ["rate_limited", "broken", "html"])
async def test_what_passes_is_tried_again(world: World, kind: str) -> None:
    at_once: dict[str, JsonValue] = {"retry_after": 0} if kind == "rate_limited" else {}
    await world.api.fault({"kind": kind, "count": 2, **at_once})
    assert len(await world.embedder().embed_query("uno")) == 256
    assert await world.calls() == 3
    assert world.outcomes[-1] == "ok"


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        ({"kind": "rate_limited", "retry_after": 0}, "quota"),
        ({"kind": "broken", "status": 500}, "unavailable"),
        ({"kind": "html"}, "unavailable"),
    ],
)
async def test_what_does_not_pass_is_unavailable_after_so_many_attempts(
    world: World, fault: dict[str, JsonValue], outcome: str
) -> None:
    await world.api.fault(fault)
    with pytest.raises(KnowledgeUnavailable):
        await world.embedder(attempts=3).embed_passages(["uno"])
    assert await world.calls() == 3
    assert world.outcomes == [outcome] * 3


async def test_a_slow_answer_is_waited_for_until_the_deadline(world: World) -> None:
    await world.api.fault({"kind": "hang"})
    embedder = world.embedder(query_timeout=timedelta(milliseconds=200))
    with pytest.raises(KnowledgeUnavailable, match=r"no answer within 0\.2 s"):
        await embedder.embed_query("uno")


@pytest.mark.parametrize(
    "answer",
    [
        refused(429, {"@type": "google.rpc.RetryInfo", "retryDelay": "7.5s"}),
        refused(429, retry_after="7"),
        refused(503, retry_after="7"),
    ],
)
async def test_what_the_other_side_asks_for_is_waited(answer: httpx.Response) -> None:
    embedder, _, waits = answering(answer, vectors([1.0, 0.0]))
    assert await embedder.embed_query("uno") == [1.0, 0.0]
    assert len(waits) == 1
    assert 7 <= waits[0] <= 8


async def test_a_wait_beyond_the_deadline_is_not_begun() -> None:
    embedder, asked, waits = answering(refused(429, retry_after="3600"))
    with pytest.raises(KnowledgeUnavailable, match="quota"):
        await embedder.embed_passages(["uno"])
    assert (len(asked), waits) == (1, [])


async def test_a_quota_of_the_day_is_not_tried_again() -> None:
    per_day: dict[str, JsonValue] = {"violations": [{"quotaId": "EmbedRequestsPerDayPerProject"}]}
    embedder, asked, _ = answering(refused(429, per_day))
    with pytest.raises(KnowledgeUnavailable, match="quota"):
        await embedder.embed_passages(["uno"])
    assert len(asked) == 1


@pytest.mark.parametrize("failure", TRANSPORT_FAILURES)
async def test_what_the_transport_raises_is_unavailable_and_tried_again(
    failure: httpx.HTTPError,
) -> None:
    embedder, asked, _ = answering(failure)
    with pytest.raises(KnowledgeUnavailable, match=type(failure).__name__):
        await embedder.embed_query("uno")
    assert len(asked) == OPTIONS.attempts
    embedder, _, _ = answering(failure, vectors([1.0, 0.0]))
    assert await embedder.embed_query("uno") == [1.0, 0.0]


@pytest.mark.parametrize(
    "body", ["[1]", "7", '{"embeddings": 3}', '{"embeddings": [{"values": "x"}]}']
)
async def test_json_of_another_shape_is_an_error_of_ours(body: str) -> None:
    embedder, _, _ = answering(httpx.Response(200, text=body))
    with pytest.raises((KnowledgeUnavailable, EmbedderMisconfigured)):
        await embedder.embed_query("uno")


async def test_a_wrong_key_is_the_operator_s_to_mend_and_not_tried_again(world: World) -> None:
    with pytest.raises(EmbedderMisconfigured, match="API_KEY_INVALID"):
        await world.embedder(SecretStr("wrong")).embed_query("uno")
    assert await world.calls() == 1
    assert world.outcomes == ["misconfigured"]


@pytest.mark.parametrize("model", ["gemini-embedding-0", "gemini-3.8-flash"])
async def test_a_model_that_does_not_embed_is_the_operator_s_to_mend(
    world: World, model: str
) -> None:
    with pytest.raises(EmbedderMisconfigured, match="404"):
        await world.embedder(model=model).embed_query("uno")
    assert await world.calls() == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500])
async def test_no_error_tells_the_key_or_a_text(status: int) -> None:
    embedder, _, _ = answering(refused(status))
    with pytest.raises((KnowledgeUnavailable, EmbedderMisconfigured)) as failed:
        await embedder.embed_passages([SECRET_TEXT])
    seen: BaseException | None = failed.value
    while seen is not None:
        assert SECRET_TEXT not in repr(seen)
        assert KEY.get_secret_value() not in repr(seen)
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)
