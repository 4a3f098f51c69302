"""`recado replay` with its process: results in order, in a file that is whole whenever it ends."""

import asyncio
import json
import os
from pathlib import Path

import pytest

from recado.cli.output import CliError
from recado.cli.replay.process import replay_apart
from recado.cli.replay.results import results_file, write
from recado.devstack.stack.standins import StandIns
from recado.rag.replay.cases import Answerer, Case, Order, Outcome, PromptFile, Variation
from recado.rag.replay.comparing import Comparison
from recado.schemas import ids
from recado.schemas.answers import Rung
from support.examples import ANSWER_GENERATED, MESSAGE_RECEIVED

ORDER = Order(variation=Variation())


def cases(count: int) -> list[Case]:
    """So many answers, each with an id of its own."""
    made = []
    for number in range(count):
        message = ids.message_id("whatsapp-demo", "message", "1234567890", str(number))
        made.append(
            Case(
                messages=(MESSAGE_RECEIVED.model_copy(update={"id": message}),),
                answer=ANSWER_GENERATED.model_copy(
                    update={"id": ids.answer_id([message]), "message_ids": (message,)}
                ),
            )
        )
    return made


async def test_every_case_gets_its_outcome_in_order() -> None:
    given, done = cases(50), list[Outcome]()
    await replay_apart(given, ORDER, done.append)
    assert [one.answer_id for one in done] == [case.answer.id for case in given]
    assert all(one.now is not None for one in done)


async def test_interrupted_it_leaves_no_process_and_a_file_of_whole_lines(tmp_path: Path) -> None:
    """Ctrl-C cancels what runs; what was answered by then can be read."""
    file = tmp_path / "results.jsonl"
    given, enough = cases(2000), asyncio.Event()
    with results_file(file, force=False) as stream:
        assert stream is not None
        answered = 0

        def done(outcome: Outcome) -> None:
            nonlocal answered
            write(stream, Comparison(given[answered], outcome))
            answered += 1
            if answered == 5:
                enough.set()

        replaying = asyncio.create_task(replay_apart(given, ORDER, done))
        await asyncio.wait_for(enough.wait(), 60)
        assert replaying_children()
        replaying.cancel()
        with pytest.raises(asyncio.CancelledError):
            await replaying
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    assert 5 <= len(lines) == answered < len(given)
    assert {"then", "now", "same"} <= lines[-1].keys()
    assert not replaying_children()


def replaying_children() -> list[str]:
    """This process's children that replay."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            # The name, in brackets, may hold anything; the parent is the second field behind it.
            parent = (process / "stat").read_text().rpartition(")")[2].split()[1]
            command = (process / "cmdline").read_bytes()
        except OSError:  # it has ended
            continue
        if parent == str(os.getpid()) and b"recado.rag.replay" in command:
            found.append(process.name)
    return found


async def test_what_the_process_can_not_do_is_its_sentence() -> None:
    gemini = Order(variation=Variation(answerer=Answerer.GEMINI))
    with pytest.raises(CliError, match="needs RECADO_GEMINI_API_KEY"):
        await replay_apart(cases(3), gemini, lambda _: None)


async def test_a_file_that_takes_no_more_ends_it() -> None:
    def full(_: Outcome) -> None:
        raise CliError("results.jsonl can't be written: No space left on device")

    with pytest.raises(CliError, match="No space left"):
        await replay_apart(cases(50), ORDER, full)


async def test_gemini_answers_with_the_other_prompt_and_model(
    standins: StandIns, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The recorded passages, another prompt's version, another model, its tokens counted."""
    monkeypatch.setenv("RECADO_GEMINI_API_KEY", "gemini-demo-key")
    monkeypatch.setenv("RECADO_GEMINI_BASE_URL", f"{standins.url}/gemini")
    variation = Variation(
        answerer=Answerer.GEMINI,
        prompt=PromptFile(name="breve", content="Responde en una frase y cita [1]."),
        model="gemini-3.5-flash-lite",
    )
    done: list[Outcome] = []
    await replay_apart(cases(3), Order(variation=variation, concurrency=2), done.append)
    assert len(done) == 3
    for outcome in done:
        now = outcome.now
        assert now is not None
        assert now.rung is Rung.GROUNDED, now.error
        assert now.model == "gemini-3.5-flash-lite"
        assert (now.prompt_version or "").startswith("breve-")
        assert now.usage is not None
        assert now.retrieval is not None
        assert ANSWER_GENERATED.retrieval is not None
        assert now.retrieval.passages == ANSWER_GENERATED.retrieval.passages
