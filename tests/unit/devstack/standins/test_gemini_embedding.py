"""The Gemini API's stand-in embeds as the real one is documented to, and by a rule of its own."""

import math
from typing import Any

import httpx
import pytest

KEY = {"x-goog-api-key": "gemini-demo-key"}
MODEL = "gemini-embedding-001"


def content(*texts: str) -> dict[str, Any]:
    return {"parts": [{"text": text} for text in texts]}


def one(*texts: str, model: str = MODEL, **more: Any) -> dict[str, Any]:
    return {"model": f"models/{model}", "content": content(*texts), **more}


async def post(
    client: httpx.AsyncClient, body: Any, method: str = "batchEmbedContents", model: str = MODEL
) -> httpx.Response:
    path = f"/gemini/v1beta/models/{model}:{method}"
    return await client.post(path, json=body, headers=KEY)


async def vectors(
    client: httpx.AsyncClient, *requests: dict[str, Any], model: str = MODEL
) -> list[list[float]]:
    answer = await post(client, {"requests": list(requests)}, model=model)
    assert answer.status_code == 200, answer.text
    return [each["values"] for each in answer.json()["embeddings"]]


def cosine(a: list[float], b: list[float]) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True)) / (math.hypot(*a) * math.hypot(*b))


async def test_each_request_has_its_vector_in_order_and_always_the_same(
    client: httpx.AsyncClient,
) -> None:
    first = await vectors(client, one("uno"), one("dos"), one("tres"))
    second = await vectors(client, one("tres"), one("dos"))
    assert len(first) == 3
    assert second == [first[2], first[1]]


async def test_the_parts_of_a_content_make_one_vector(client: httpx.AsyncClient) -> None:
    """What happens to a list of strings on its way through the client library."""
    assert len(await vectors(client, one("uno", "dos", "tres"))) == 1


async def test_one_text_may_be_embedded_alone(client: httpx.AsyncClient) -> None:
    answer = await post(client, {"content": content("uno")}, "embedContent")
    assert answer.json()["embedding"]["values"] == (await vectors(client, one("uno")))[0]


async def test_only_the_full_size_has_length_1_unless_the_model_is_the_later_one(
    client: httpx.AsyncClient,
) -> None:
    full, short = await vectors(client, one("uno"), one("uno", outputDimensionality=768))
    assert (len(full), len(short)) == (3072, 768)
    assert math.hypot(*full) == pytest.approx(1, abs=1e-3)
    assert math.hypot(*short) < 0.9
    later = "gemini-embedding-2"
    (short,) = await vectors(client, one("uno", model=later, outputDimensionality=768), model=later)
    assert math.hypot(*short) == pytest.approx(1, abs=1e-3)


async def test_texts_are_similar_as_far_as_they_share_words_whatever_their_endings(
    client: httpx.AsyncClient,
) -> None:
    asked, fits, other = await vectors(
        client,
        one("como pago mi factura", outputDimensionality=768),
        one("PAGAR la facturación en línea", outputDimensionality=768),
        one("La antena se instala en el techo", outputDimensionality=768),
    )
    assert cosine(asked, fits) > cosine(asked, other) + 0.1
    assert 0.3 < cosine(asked, other) < 0.56


async def test_the_later_model_does_not_embed_the_task_s_prefix(client: httpx.AsyncClient) -> None:
    later = "gemini-embedding-2"
    asked, told, bare = await vectors(
        client,
        one("task: search result | query: uno", model=later),
        one("title: none | text: uno", model=later),
        one("uno", model=later),
        model=later,
    )
    assert asked == told == bare


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ([], "Invalid value"),
        ({"requests": []}, "requests is not specified"),
        ({"requests": [one(str(number)) for number in range(101)]}, "at most 100 requests"),
        ({"requests": [{"content": content("uno")}]}, "requests[0].model"),
        ({"requests": [one("uno", model="gemini-embedding-2")]}, "requests[0].model"),
        ({"requests": [{"model": f"models/{MODEL}"}]}, "content is not specified"),
        ({"requests": [one()]}, "parts must not be empty"),
        ({"requests": [one("uno"), one("")]}, "requests[1].content.parts[0].data"),
        ({"requests": [one("uno", taskType="SEARCH")]}, "Invalid value"),
        ({"requests": [one("uno", outputDimensionality=0)]}, "Invalid value"),
        ({"requests": [one("uno", outputDimensionality=3073)]}, "Invalid value"),
        ({"requests": [one("uno", title="Uno", taskType="RETRIEVAL_QUERY")]}, ".title"),
        ({"requests": [one("uno", dimensions=5)]}, 'Unknown name "dimensions"'),
    ],
)
async def test_a_body_that_the_real_one_refuses_is_an_invalid_argument(
    client: httpx.AsyncClient, body: Any, message: str
) -> None:
    answer = await post(client, body)
    error = answer.json()["error"]
    assert (answer.status_code, error["status"]) == (400, "INVALID_ARGUMENT")
    assert message in error["message"]


@pytest.mark.parametrize(
    ("model", "method"),
    [
        ("gemini-3.8-flash", "batchEmbedContents"),
        ("gemini-embedding-001", "generateContent"),
        ("text-embedding-004", "embedContent"),
    ],
)
async def test_a_model_asked_for_what_it_does_not_do_is_404(
    client: httpx.AsyncClient, model: str, method: str
) -> None:
    answer = await post(client, {}, method, model)
    assert answer.status_code == 404
    assert method in answer.json()["error"]["message"]


async def test_a_key_is_needed(client: httpx.AsyncClient) -> None:
    path = f"/gemini/v1beta/models/{MODEL}:batchEmbedContents"
    assert (await client.post(path, json={"requests": [one("uno")]})).status_code == 403


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        ({"kind": "rate_limited", "retry_after": 3}, 429),
        ({"kind": "broken", "status": 500}, 500),
        ({"kind": "html"}, 200),
    ],
)
async def test_it_has_faults_of_embedding_alone(
    client: httpx.AsyncClient, fault: dict[str, Any], status: int
) -> None:
    armed = {**fault, "operations": ["batchEmbedContents"]}
    assert (await client.put("/control/faults/gemini", json=armed)).status_code == 204
    answer = await post(client, {"requests": [one("uno")]})
    assert answer.status_code == status
    assert "embeddings" not in answer.text
    if status == 429:
        assert "embed_content_requests" in answer.text
    alone = await post(client, {"content": content("uno")}, "embedContent")
    assert alone.status_code == 200


async def test_the_embedded_texts_are_counted_until_a_reset(client: httpx.AsyncClient) -> None:
    async def counted() -> int:
        number: int = (await client.get("/control/health")).json()["embedded_texts"]
        return number

    await vectors(client, one("uno"), one("dos"))
    await post(client, {"content": content("tres")}, "embedContent")
    await post(client, {"requests": [one("")]})
    assert await counted() == 3
    await client.post("/control/reset")
    assert await counted() == 0
