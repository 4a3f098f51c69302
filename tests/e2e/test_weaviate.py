"""The whole path with the knowledge base in Weaviate, as production has it."""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from recado.cli.asking import asker
from recado.cli.index import submit
from recado.devstack.sample import QUESTIONS
from recado.devstack.stack.weaviate import INSTALL as INSTALL_WEAVIATE
from recado.devstack.stack.weaviate import WeaviateServer, weaviate_program
from recado.knowledge import StoredDocument
from recado.knowledge.connect import make_embedder, make_knowledge
from recado.knowledge.settings import KnowledgeSettings
from recado.schemas.answers import Rung
from recado.schemas.base import Platform
from support.require import require
from support.world import World, eventually, stack_in, started

PAGES = 150
"""Enough that the kill comes in the middle of them."""


@pytest.fixture
async def weaviate_world(tmp_path: Path, java: Mapping[str, str]) -> AsyncIterator[World]:
    """Everything running, its knowledge base in a Weaviate of its own, the sample indexed."""
    require(weaviate_program(os.environ) is not None, "Weaviate", INSTALL_WEAVIATE)
    stack = stack_in(tmp_path, environment=java, settings={"RECADO_KNOWLEDGE": "weaviate"})
    async with started(stack) as world:
        yield world


async def test_answers_are_those_of_the_embedded_store_and_a_kill_while_indexing_loses_nothing(
    weaviate_world: World, world: World, tmp_path: Path
) -> None:
    """The 20 sample questions on both stores; then kill -9 of Weaviate while pages are indexed."""
    questions = [one["question"] for one in yaml.safe_load(QUESTIONS.read_text(encoding="utf-8"))]
    ours, theirs = await asyncio.gather(
        _answers(weaviate_world, questions), _answers(world, questions)
    )
    different = [
        (question, mine, other)
        for question, mine, other in zip(questions, ours, theirs, strict=True)
        if mine != other
    ]
    print(f"\n{len(questions) - len(different)} of {len(questions)} answers are the same on both")
    for question, mine, other in different:
        print(f"  {question}\n    Weaviate: {mine}\n    LanceDB:  {other}")
    assert len(questions) == 20
    assert len(different) <= 2, different

    server = weaviate_world.stack.weaviate
    assert isinstance(server, WeaviateServer)
    folder = tmp_path / "precios"
    folder.mkdir()
    for number in range(PAGES):
        text = f"# Tarifa {number}\n\nLa tarifa número {number} cuesta {number} euros al mes.\n"
        (folder / f"precio-{number:03}.md").write_text(text, encoding="utf-8")
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(
            submit(weaviate_world.settings, [folder], wait=timedelta(minutes=2), quiet=True)
        )

        async def some() -> bool:
            return len(await _stored(weaviate_world, "precio-")) >= PAGES // 5

        await eventually(some, "a fifth of the pages indexed", every=0.05)
        acknowledged = await _stored(weaviate_world, "precio-")
        await server.kill9()
        meanwhile = await _reply(weaviate_world, "¿Cómo pago mi factura?")
        await server.start()
        outlived = await _stored(weaviate_world, "precio-")
    print(f"{len(acknowledged)} of {PAGES} pages were there at the kill, {len(outlived)} after it")
    assert len(acknowledged) < PAGES, "the kill came too late to prove anything"
    assert set(acknowledged) <= set(outlived)
    assert meanwhile is Rung.APOLOGY
    assert len(await _stored(weaviate_world, "precio-")) == PAGES
    again = await _reply(weaviate_world, "¿Cómo pago mi factura?")
    assert again is Rung.EXTRACTIVE


async def _answers(world: World, questions: list[str]) -> list[tuple[str, tuple[str, ...], str]]:
    """Of each question, asked by a customer of its own: the rung, what is cited, and the text."""
    answers = []
    chats = await world.new_chats(len(questions))
    async with asker(world.settings) as asking:
        for chat, question in zip(chats, questions, strict=True):
            reply = await asking.ask(question, Platform.TELEGRAM, customer=str(chat))
            answer = reply.answer
            cited = tuple(citation.source for citation in answer.citations)
            answers.append((answer.rung.value, cited, answer.text))
    return answers


async def _reply(world: World, question: str) -> Rung:
    """The rung of what a new customer is answered."""
    (chat,) = await world.new_chats(1)
    async with asker(world.settings) as asking:
        return (await asking.ask(question, Platform.TELEGRAM, customer=str(chat))).answer.rung


async def _stored(world: World, prefix: str) -> dict[str, StoredDocument]:
    server = world.stack.weaviate
    assert isinstance(server, WeaviateServer)
    settings = KnowledgeSettings.model_validate(
        {
            "knowledge": "weaviate",
            "weaviate_url": server.url,
            "weaviate_grpc_url": server.grpc_url,
            "weaviate_api_key": server.reader_key,
        }
    )
    knowledge = make_knowledge(settings, make_embedder(settings))
    await knowledge.open()
    try:
        found = await knowledge.documents()
        return {one.source: one for one in found if one.source.startswith(prefix)}
    finally:
        await knowledge.close()
