"""Only a whole text is an answer; everything else is an error that says what it was."""

import json
from collections.abc import Callable

import httpx
import pytest
from pydantic import SecretStr

from recado.rag.errors import ModelError, ModelMisconfigured, ModelRefused, ModelUnavailable
from recado.rag.gemini import Gemini
from support.gemini_api import error

from .conftest import KEY, PROMPT, World, answering, good


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("blocked_prompt", "prompt blocked: SAFETY"),
        ("safety", "SAFETY"),
        ("max_tokens", "MAX_TOKENS"),
        ("empty", "no candidates"),
    ],
)
async def test_what_the_library_gives_as_no_text_is_refused_with_its_reason_and_not_repeated(
    world: World, kind: str, reason: str
) -> None:
    await world.api.fault({"kind": kind})
    with pytest.raises(ModelRefused) as refused:
        await world.gemini().generate(PROMPT)
    assert refused.value.reason == reason
    assert len(await world.api.calls()) == 1


async def test_half_an_answer_is_no_answer(world: World) -> None:
    """MAX_TOKENS with text: the library would give the beginning of a sentence."""
    with pytest.raises(ModelRefused, match="MAX_TOKENS"):
        await world.gemini(max_output_tokens=5).generate(PROMPT)


async def test_thoughts_are_not_part_of_the_answer() -> None:
    parts = [{"text": "Pienso…", "thought": True}, {"text": "Reinicia."}]
    candidate = {"content": {"role": "model", "parts": parts}, "finishReason": "STOP"}
    gemini, _ = answering(httpx.Response(200, json={"candidates": [candidate]}))
    assert (await gemini.generate(PROMPT)).text == "Reinicia."


async def test_a_candidate_without_text_is_refused() -> None:
    gemini, _ = answering(good("  \n"))
    with pytest.raises(ModelRefused, match="no text"):
        await gemini.generate(PROMPT)


async def test_a_page_of_html_with_status_200_is_unavailable(world: World) -> None:
    await world.api.fault({"kind": "html"})
    with pytest.raises(ModelUnavailable, match="not what the API documents"):
        await world.gemini().generate(PROMPT)


@pytest.mark.parametrize("body", [{"candidates": "x"}, {"candidates": [{"content": 3}]}, [1], 7])
async def test_json_of_another_shape_is_unavailable(body: object) -> None:
    gemini, _ = answering(httpx.Response(200, text=json.dumps(body)))
    with pytest.raises(ModelError):
        await gemini.generate(PROMPT)


@pytest.mark.parametrize(
    ("build", "status"),
    [
        (lambda world: world.gemini(SecretStr("wrong")), 400),
        (lambda world: world.gemini(model="gemini-0-none"), 404),
    ],
)
async def test_a_wrong_key_or_model_is_a_configuration_error_and_not_repeated(
    world: World, build: Callable[[World], Gemini], status: int
) -> None:
    with pytest.raises(ModelMisconfigured) as wrong:
        await build(world).generate(PROMPT)
    assert wrong.value.status == status
    assert len(await world.api.calls()) == 1


@pytest.mark.parametrize("status", [401, 403])
async def test_a_key_without_rights_is_a_configuration_error(status: int) -> None:
    gemini, asked = answering(error(status, "PERMISSION_DENIED"))
    with pytest.raises(ModelMisconfigured):
        await gemini.generate(PROMPT)
    assert len(asked) == 1


async def test_another_400_refuses_this_prompt_only() -> None:
    gemini, asked = answering(error(400, "INVALID_ARGUMENT", message="token count exceeds"))
    with pytest.raises(ModelRefused, match="400 INVALID_ARGUMENT"):
        await gemini.generate(PROMPT)
    assert len(asked) == 1


async def test_no_error_says_the_key_the_prompt_or_the_body() -> None:
    said = f"{KEY.get_secret_value()} ¿Y ahora?"
    gemini, _ = answering(error(500, "INTERNAL", message=said))
    with pytest.raises(ModelUnavailable) as failed:
        await gemini.generate(PROMPT)
    assert "gemini-demo-key" not in str(failed.value)
    assert "ahora" not in str(failed.value)
