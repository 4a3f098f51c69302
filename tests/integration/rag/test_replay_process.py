"""The process of a replay, as the command starts it."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

from recado.rag.replay import apart
from recado.rag.replay.cases import Answerer, Case, Order, Outcome, Source, Variation
from support.examples import ANSWER_GENERATED, MESSAGE_RECEIVED

CASE = Case(messages=(MESSAGE_RECEIVED,), answer=ANSWER_GENERATED)

WATCHED = """
import json, runpy, sys
connections = []
sys.addaudithook(lambda event, _: connections.append(event) if event == "socket.connect" else None)
try:
    runpy.run_module("recado.rag.replay", run_name="__main__")
finally:
    print(json.dumps({"modules": sorted(sys.modules), "connections": connections}), file=sys.stderr)
"""
"""The same process, which tells in the end what it imported and connected to."""

FORBIDDEN = (
    "aiokafka",
    "faststream",
    "motor",
    "pymongo",
    "recado_lanes",
    "recado.channels",
    "recado.dispatcher",
    "recado.ingress",
    "recado.servicekit.kafka",
    "recado.servicekit.publishing",
)


async def replay(order: Order, *cases: Case, command: tuple[str, ...] = ()) -> tuple[int, str, str]:
    """Status, output and errors of the process."""
    process = await asyncio.create_subprocess_exec(
        *(command or apart.command(order)),
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
        env=apart.environment(os.environ, order),
    )
    lines = "".join(case.model_dump_json() + "\n" for case in cases)
    async with asyncio.timeout(60):
        written, errors = await process.communicate(lines.encode())
    assert process.returncode is not None
    return process.returncode, written.decode(), errors.decode()


async def test_it_can_send_nothing_for_it_knows_no_sender_no_producer_and_connects_to_nothing() -> (
    None
):
    """Two answers, and not one module that could write to Kafka, MongoDB or a platform."""
    order = Order(variation=Variation())
    command = (sys.executable, "-c", WATCHED, order.model_dump_json())
    status, written, errors = await replay(order, CASE, CASE, command=command)
    assert status == 0, errors
    outcomes = [Outcome.model_validate_json(line) for line in written.splitlines()]
    assert [one.answer_id for one in outcomes] == [ANSWER_GENERATED.id] * 2
    assert all(one.now is not None for one in outcomes)
    told = json.loads(errors.splitlines()[-1])
    assert [one for one in told["modules"] if one.startswith(FORBIDDEN)] == []
    assert "recado.rag.answering" in told["modules"]
    assert told["connections"] == []


async def test_what_keeps_it_from_answering_is_one_sentence(tmp_path: Path) -> None:
    """No key for Gemini; no knowledge base to search."""
    gemini = Order(variation=Variation(answerer=Answerer.GEMINI))
    status, written, errors = await replay(gemini, CASE)
    assert (status, written) == (1, "")
    assert errors == "--answerer gemini needs RECADO_GEMINI_API_KEY\n"
    settings = tmp_path / "environment"
    settings.write_text(f"RECADO_LANCEDB_PATH={tmp_path / 'none'}\nRECADO_PASSAGES=0\n")
    live = Order(variation=Variation(retrieval=Source.LIVE), environment_file=settings)
    status, _, errors = await replay(live, CASE)
    assert status == 78
    assert "RECADO_PASSAGES" in errors
    assert "Traceback" not in errors
