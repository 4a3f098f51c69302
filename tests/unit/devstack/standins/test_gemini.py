"""The Gemini API's stand-in takes what the real one takes, refuses what it refuses, and answers
the same prompt the same way."""

import json
from typing import Any

import httpx
import pytest

PATH = "/gemini/v1beta/models/gemini-3.8-flash:generateContent"
KEY = {"x-goog-api-key": "gemini-demo-key"}

PROMPT = """Fuentes:
[1] Internet lento
# Qué hacer
- Reinicia el router y espera 2.5 minutos. Luego prueba con cable.
[2] Otra página
No es esta.

Pregunta: ¿Por qué mi internet está lento?"""


def asks(text: str = PROMPT, **more: Any) -> dict[str, Any]:
    return {"contents": [{"role": "user", "parts": [{"text": text}]}], **more}


async def post(client: httpx.AsyncClient, body: Any) -> httpx.Response:
    return await client.post(PATH, json=body, headers=KEY)


def text_of(answer: httpx.Response) -> str:
    assert answer.status_code == 200
    text: str = answer.json()["candidates"][0]["content"]["parts"][0]["text"]
    return text


async def test_the_first_source_is_quoted_and_cited(client: httpx.AsyncClient) -> None:
    answer = await post(client, asks())
    expected = "Según la información disponible: Reinicia el router y espera 2.5 minutos. [1]"
    assert text_of(answer) == expected
    body = answer.json()
    assert body["candidates"][0]["finishReason"] == "STOP"
    assert body["modelVersion"] == "gemini-3.8-flash"
    usage = body["usageMetadata"]
    assert usage["totalTokenCount"] == usage["promptTokenCount"] + usage["candidatesTokenCount"]


async def test_sources_in_the_system_instruction_are_found(client: httpx.AsyncClient) -> None:
    body = asks("¿Qué hago?", systemInstruction={"parts": [{"text": "[1] Llama al 611. Gracias."}]})
    assert text_of(await post(client, body)) == (
        "Según la información disponible: Llama al 611. [1]"
    )


async def test_a_citation_in_an_earlier_answer_is_not_a_source(client: httpx.AsyncClient) -> None:
    body = {
        "contents": [
            {"role": "user", "parts": [{"text": "Hola"}]},
            {"role": "model", "parts": [{"text": "Reinicia el router. [1]"}]},
            {"role": "user", "parts": [{"text": "¿Y después?"}]},
        ]
    }
    assert text_of(await post(client, body)) == "¿Y después?"


async def test_without_sources_the_last_line_is_echoed(client: httpx.AsyncClient) -> None:
    assert text_of(await post(client, asks("Reescribe:\n¿Y en Madrid?\n"))) == "¿Y en Madrid?"


async def test_json_is_generated_to_the_schema(client: httpx.AsyncClient) -> None:
    schema = {
        "type": "OBJECT",
        "properties": {
            "answer": {"type": "STRING"},
            "sources": {"type": "ARRAY", "items": {"type": "INTEGER"}},
            "sure": {"type": "BOOLEAN"},
            "tone": {"type": "STRING", "enum": ["kind", "curt"]},
        },
    }
    settings = {"responseMimeType": "application/json", "responseSchema": schema}
    answer = await post(client, asks("Hola", generationConfig=settings))
    assert json.loads(text_of(answer)) == {
        "answer": "Hola",
        "sources": [1],
        "sure": True,
        "tone": "kind",
    }


async def test_an_answer_is_cut_at_the_tokens_asked_for(client: httpx.AsyncClient) -> None:
    answer = await post(client, asks(generationConfig={"maxOutputTokens": 2}))
    assert text_of(answer) == "Según la"
    assert answer.json()["candidates"][0]["finishReason"] == "MAX_TOKENS"


async def test_names_are_taken_in_snake_case_too(client: httpx.AsyncClient) -> None:
    body = asks(
        system_instruction={"parts": [{"text": "Sé breve."}]},
        generation_config={"max_output_tokens": 500, "temperature": 0.2},
        safety_settings=[{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}],
    )
    assert (await post(client, body)).status_code == 200


async def test_without_a_key_it_is_403(client: httpx.AsyncClient) -> None:
    answer = await client.post(PATH, json=asks())
    assert (answer.status_code, answer.json()["error"]["status"]) == (403, "PERMISSION_DENIED")


async def test_a_wrong_key_is_400_with_its_reason(client: httpx.AsyncClient) -> None:
    answer = await client.post(PATH, json=asks(), headers={"x-goog-api-key": "wrong"})
    error = answer.json()["error"]
    assert (answer.status_code, error["status"]) == (400, "INVALID_ARGUMENT")
    assert error["details"][0]["reason"] == "API_KEY_INVALID"


async def test_a_key_in_the_query_is_taken_and_not_kept(client: httpx.AsyncClient) -> None:
    assert (await client.post(f"{PATH}?key=gemini-demo-key", json=asks())).status_code == 200
    assert "gemini-demo-key" not in (await client.get("/control/requests")).text


async def test_an_unknown_model_is_404(client: httpx.AsyncClient) -> None:
    path = PATH.replace("gemini-3.8-flash", "gemini-1.0-pro")
    answer = await client.post(path, json=asks(), headers=KEY)
    assert (answer.status_code, answer.json()["error"]["status"]) == (404, "NOT_FOUND")


@pytest.mark.parametrize(
    "path",
    [
        PATH.replace("v1beta", "v1"),
        PATH.replace("generateContent", "streamGenerateContent"),
        "/gemini/v1beta/models",
    ],
)
async def test_another_path_is_404(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.post(path, json=asks(), headers=KEY)).status_code == 404


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ([], "Invalid value"),
        ({}, "contents is not specified"),
        ({"contents": []}, "contents is not specified"),
        ({"contents": "Hola"}, "Invalid value at 'contents'"),
        ({"contents": [{"role": "user"}]}, "contents.parts must not be empty"),
        ({"contents": [{"role": "user", "parts": []}]}, "contents.parts must not be empty"),
        ({"contents": [{"role": "user", "parts": [{}]}]}, "parts[0].data: required oneof field"),
        ({"contents": [{"role": "user", "parts": [{"text": ""}]}]}, "required oneof field"),
        (
            {"contents": [{"role": "assistant", "parts": [{"text": "a"}]}]},
            "valid role: user, model",
        ),
        ({"contents": [{"parts": [{"texto": "a"}]}]}, 'Unknown name "texto"'),
        (asks(messages=[]), 'Unknown name "messages"'),
        (asks(systemInstruction={"parts": []}), "system_instruction.parts"),
        (asks(systemInstruction="Sé breve."), "Invalid value at 'systemInstruction'"),
        (asks(generationConfig={"max_tokens": 5}), 'Unknown name "max_tokens"'),
        (asks(generationConfig={"temperature": "warm"}), "Invalid value"),
        (asks(generationConfig={"temperature": 2.1}), "Invalid value"),
        (asks(generationConfig={"maxOutputTokens": 0}), "Invalid value"),
        (asks(generationConfig={"responseMimeType": "text/html"}), "Invalid value"),
        (asks(generationConfig={"responseSchema": {"type": "STRING"}}), "response_mime_type"),
        (asks(cachedContent="cachedContents/1"), "CachedContent not found"),
    ],
)
async def test_a_body_that_the_real_one_refuses_is_an_invalid_argument(
    client: httpx.AsyncClient, body: Any, message: str
) -> None:
    answer = await post(client, body)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["status"]) == (400, 400, "INVALID_ARGUMENT")
    assert message in error["message"]


async def test_a_body_that_is_not_json_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.post(PATH, content=b"contents", headers=KEY)
    assert answer.json()["error"]["status"] == "INVALID_ARGUMENT"


async def arm(client: httpx.AsyncClient, **fault: Any) -> None:
    assert (await client.put("/control/faults/gemini", json=fault)).status_code == 204


async def test_a_blocked_prompt_has_feedback_and_no_candidates(client: httpx.AsyncClient) -> None:
    await arm(client, kind="blocked_prompt")
    body = (await post(client, asks())).json()
    assert body["promptFeedback"]["blockReason"] == "SAFETY"
    assert "candidates" not in body


async def test_an_unsafe_answer_has_no_content(client: httpx.AsyncClient) -> None:
    await arm(client, kind="safety")
    (candidate,) = (await post(client, asks())).json()["candidates"]
    assert candidate == {"finishReason": "SAFETY", "index": 0}


async def test_an_answer_that_ran_out_of_tokens_has_no_parts(client: httpx.AsyncClient) -> None:
    await arm(client, kind="max_tokens")
    (candidate,) = (await post(client, asks())).json()["candidates"]
    assert candidate["content"] == {"role": "model"}
    assert candidate["finishReason"] == "MAX_TOKENS"


async def test_an_empty_answer_has_neither_candidates_nor_feedback(
    client: httpx.AsyncClient,
) -> None:
    await arm(client, kind="empty")
    body = (await post(client, asks())).json()
    assert "candidates" not in body
    assert "promptFeedback" not in body


async def test_a_page_may_come_in_place_of_json(client: httpx.AsyncClient) -> None:
    await arm(client, kind="html")
    answer = await post(client, asks())
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")


async def test_a_rate_limit_tells_when_to_come_back(client: httpx.AsyncClient) -> None:
    await arm(client, kind="rate_limited", retry_after=7)
    answer = await post(client, asks())
    error = answer.json()["error"]
    assert (answer.status_code, error["status"]) == (429, "RESOURCE_EXHAUSTED")
    retry = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "7s"}
    assert retry in error["details"]


@pytest.mark.parametrize(("status", "name"), [(500, "INTERNAL"), (503, "UNAVAILABLE")])
async def test_a_broken_api_answers_in_its_error_shape(
    client: httpx.AsyncClient, status: int, name: str
) -> None:
    await arm(client, kind="broken", status=status)
    answer = await post(client, asks())
    assert (answer.status_code, answer.json()["error"]["status"]) == (status, name)


async def test_a_platforms_own_fault_shows_only_after_the_checks(client: httpx.AsyncClient) -> None:
    await arm(client, kind="empty")
    assert (await client.post(PATH, json=asks())).status_code == 403
