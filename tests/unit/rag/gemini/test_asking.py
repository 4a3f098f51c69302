"""What goes over the wire, through which client, whatever the environment says."""

import subprocess
import sys

import pytest

from support.gemini_api import ANOTHER_CLOUD

from .conftest import PROMPT, World, answering, good


async def test_a_prompt_is_answered_and_its_tokens_are_counted(world: World) -> None:
    answered = await world.gemini().generate(PROMPT)
    assert answered.text == "Según la información disponible: Reinicia el router. [1]"
    assert answered.model == "gemini-3.8-flash"
    assert answered.usage is not None
    assert answered.usage.prompt_tokens > 0
    assert answered.usage.output_tokens > 0


async def test_the_path_is_v1beta_and_instructions_turns_and_settings_are_on_the_wire(
    world: World,
) -> None:
    await world.gemini(thinking_level="low").generate(PROMPT)
    (arrived,) = await world.api.calls()
    assert arrived["path"] == "/v1beta/models/gemini-3.8-flash:generateContent"
    body = arrived["body"]
    assert isinstance(body, dict)
    assert body["systemInstruction"]["parts"][0]["text"] == "Responde en español."
    assert [turn["role"] for turn in body["contents"]] == ["user", "model", "user"]
    assert body["generationConfig"]["temperature"] == 0.2
    assert body["generationConfig"]["maxOutputTokens"] == 2048
    assert body["generationConfig"]["thinkingConfig"] == {"thinking_level": "LOW"}


async def test_an_environment_meant_for_another_cloud_changes_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The library reads these by itself; the adapter's settings must win."""
    for variable, value in ANOTHER_CLOUD.items():
        monkeypatch.setenv(variable, value)
    await world.gemini().generate(PROMPT)
    assert len(await world.api.calls()) == 1


async def test_an_importable_aiohttp_does_not_take_the_call_from_our_client(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With it installed the library would switch its asynchronous client to it without a word."""
    from google.genai import _api_client

    monkeypatch.setattr(_api_client, "has_aiohttp", True)
    await world.gemini().generate(PROMPT)
    assert len(await world.api.calls()) == 1


async def test_the_call_is_made_through_the_client_it_was_given_and_not_httpx2() -> None:
    gemini, asked = answering(good())
    await gemini.generate(PROMPT)
    assert [request.headers["x-goog-api-key"] for request in asked] == ["gemini-demo-key"]


def test_without_a_key_the_library_is_never_imported() -> None:
    """Its import costs more than a second of CPU; only this module imports it, and not at once."""
    code = (
        "import sys, recado.rag.gemini, recado.rag.gemini_errors\n"
        "sys.exit('imported' if any(m.startswith('google.genai') for m in sys.modules) else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
