"""Answers of the past, given once more from what their events recorded."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

import pytest

from recado.rag.answering import Answering
from recado.rag.errors import ModelUnavailable
from recado.rag.extractive import Thresholds
from recado.rag.history import Conversation, Entry, Exchange
from recado.rag.model import Generation, LanguageModel, Prompt
from recado.rag.prompt import instructions_from
from recado.rag.replay.cases import Case, Outcome
from recado.rag.replay.comparing import Change, Comparison, Counts, lowered_by
from recado.rag.replay.replaying import Replayer, replay_all
from recado.rag.retrieval import Retriever
from recado.schemas.answers import Rung
from recado.schemas.events import MessageReceived
from recado.schemas.webhooks import MessageKind
from support.examples import NOW
from unit.rag.fakes import (
    TEXTS,
    THRESHOLDS,
    FakeConversations,
    FakeKnowledge,
    FakeModel,
    ladder,
    message,
    passage,
    some_id,
)

SAID = Entry(some_id(), "user", "¿Por qué mi internet está lento?", NOW - timedelta(minutes=2))
QUOTED = Entry(
    some_id(), "assistant", "Reinicia el router. Después prueba por cable. [1]",
    NOW - timedelta(minutes=1),
)  # fmt: skip
KNOWN = Conversation(introduced=True, entries=(SAID, QUOTED))
STRANGER = Conversation(introduced=False)
FOUND = FakeKnowledge(passage(1), passage(2, text="Llama a soporte."), passage(3, similarity=0.3))


async def answered(
    messages: Sequence[MessageReceived],
    conversations: FakeConversations | None = None,
    knowledge: FakeKnowledge = FOUND,
    model: FakeModel | None = None,
    exchanges: Sequence[Exchange] = (),
) -> Case:
    """A case as the service makes it, from its own view of the past."""
    service = Answering(
        conversations or FakeConversations(KNOWN),
        ladder(knowledge, model),
        TEXTS,
        deadline=timedelta(minutes=15),
    )
    return Case(messages=tuple(messages), answer=await service.answer(messages, exchanges))


def replayer(model: LanguageModel | None = None, passages: int | None = None) -> Replayer:
    return Replayer(TEXTS, THRESHOLDS, model=model, passages=passages)


async def compared(case: Case, by: Replayer | None = None) -> Comparison:
    return Comparison(case, await (by or replayer()).replay(case))


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("¿Por qué mi internet está lento?", MessageKind.TEXT),
        ("¿Y si por cable también va mal?", MessageKind.TEXT),
        ("/start", MessageKind.TEXT),
        ("/reset", MessageKind.TEXT),
        ("/ayuda", MessageKind.TEXT),
        ("Gracias", MessageKind.TEXT),
        (None, MessageKind.VOICE),
        ("¿Qué es esta luz?", MessageKind.IMAGE),
    ],
)
@pytest.mark.parametrize("conversation", [KNOWN, STRANGER], ids=["known", "stranger"])
async def test_without_a_model_and_a_variation_the_answer_is_the_same(
    text: str | None, kind: MessageKind, conversation: Conversation
) -> None:
    """Whatever was asked and whoever asked: text, rung, citations, and what else it says."""
    case = await answered((message(text, kind=kind),), FakeConversations(conversation))
    comparison = await compared(case)
    assert comparison.same
    now = comparison.outcome.now
    assert now is not None
    for name in ("id", "introduces", "resets_history", "error", "history", "retrieval"):
        assert getattr(now, name) == getattr(case.answer, name), name


async def test_the_same_goes_for_what_nothing_is_known_of_and_for_every_outage_of_then() -> None:
    """No passage fits, retrieval down (once and again), MongoDB away."""
    apologised = (await answered((message(),), knowledge=FakeKnowledge(down=True))).answer
    nothing = FakeKnowledge(passage(1, similarity=0.01))
    cases = [
        await answered((message(),), knowledge=nothing),
        await answered((message(),), knowledge=FakeKnowledge(down=True)),
        await answered(
            (message(number=2),),
            knowledge=FakeKnowledge(down=True),
            exchanges=(Exchange.of(apologised),),
        ),
        await answered((message(),), FakeConversations(away=True)),
        await answered(
            (message(number=2),), FakeConversations(away=True), exchanges=(Exchange.of(apologised),)
        ),
    ]
    comparisons = [await compared(case) for case in cases]
    assert all(one.same for one in comparisons)
    assert [lowered_by(one.case.answer) is not None for one in comparisons] == [
        False, True, True, True, True,
    ]  # fmt: skip
    assert TEXTS.get("apology_again") in cases[2].answer.text
    assert [one.outcome.now.error for one in comparisons if one.outcome.now] == [
        case.answer.error for case in cases
    ]


async def test_one_answer_to_several_messages_is_replayed_with_all_of_them() -> None:
    both = (message(number=1), message("¿y por cable?", number=2, after=timedelta(seconds=1)))
    case = await answered(both)
    comparison = await compared(case)
    assert comparison.same
    assert comparison.outcome.now is not None
    assert comparison.outcome.now.message_ids == case.answer.message_ids


async def test_frozen_passages_are_judged_by_the_thresholds_of_then() -> None:
    """Whatever the settings say now; of an event that doesn't tell them by those of now."""
    case = await answered((message(),))
    assert case.answer.rung is Rung.EXTRACTIVE
    stricter = Replayer(TEXTS, Thresholds(0.99, 0.995))
    assert (await compared(case, stricter)).same
    retrieval = case.answer.retrieval
    assert retrieval is not None
    untold = retrieval.model_copy(update={"no_answer_similarity": None, "weak_similarity": None})
    old = case.model_copy(update={"answer": case.answer.model_copy(update={"retrieval": untold})})
    assert (await compared(old)).same
    comparison = await compared(old, stricter)
    assert comparison.outcome.now is not None
    assert comparison.outcome.now.rung is Rung.NOT_KNOWN


async def test_passages_found_now_are_judged_by_the_thresholds_of_now() -> None:
    case = await answered((message(),))
    live = Retriever(FOUND, timeout=timedelta(seconds=5), embedder="another")
    comparison = await compared(case, Replayer(TEXTS, Thresholds(0.99, 0.995), live=live))
    now = comparison.outcome.now
    assert now is not None
    assert now.rung is Rung.NOT_KNOWN
    assert now.retrieval is not None
    assert (now.retrieval.embedder, now.retrieval.no_answer_similarity) == ("another", 0.99)


async def test_frozen_passages_can_be_fewer_and_the_best_are_kept() -> None:
    case = await answered((message(),))
    comparison = await compared(case, replayer(passages=1))
    now, then = comparison.outcome.now, case.answer
    assert now is not None
    assert now.retrieval is not None
    assert then.retrieval is not None
    assert now.retrieval.n == 1
    assert now.retrieval.passages == then.retrieval.passages[:1]


async def test_the_model_is_asked_with_the_recorded_past_and_passages_and_the_other_prompt() -> (
    None
):
    model = FakeModel()
    case = await answered((message("¿Y por la noche?"),), model=model)
    again = FakeModel("Otra cosa [2].")
    other = instructions_from("breve", "Sé breve.".encode())
    varied = Replayer(TEXTS, THRESHOLDS, model=again, grounded=other)
    comparison = await compared(case, varied)
    (then,), (now,) = model.prompts, again.prompts
    assert now.turns == then.turns
    assert (now.instructions, now.version) == ("Sé breve.", other.version)
    assert other.version.startswith("breve-")
    assert comparison.changes == (Change.CITATIONS, Change.TEXT)
    assert comparison.outcome.now is not None
    assert comparison.outcome.now.prompt_version == other.version


async def test_an_answer_without_a_model_for_an_outage_is_told_from_one_without_any() -> None:
    """That no model is configured is no outage; that it was down is."""
    quoted = await answered((message(),))
    down = await answered((message(),), model=FakeModel(ModelUnavailable("503")))
    assert (quoted.answer.rung, down.answer.rung) == (Rung.EXTRACTIVE, Rung.EXTRACTIVE)
    assert lowered_by(quoted.answer) is None
    assert lowered_by(down.answer) == "503"
    grounded = await compared(down, replayer(FakeModel()))
    assert Change.RUNG in grounded.changes
    counts = Counts.of([await compared(quoted), grounded])
    assert (counts.replayed, counts.same, counts.changed) == (2, 1, 1)
    assert (counts.rung_changed, counts.lowered_then, counts.lowered_now) == (1, 1, 0)
    again = await compared(quoted, replayer(FakeModel(ModelUnavailable("503"))))
    assert Counts.of([again]).lowered_now == 1


async def test_what_was_answered_without_a_search_can_not_be_frozen_as_a_question() -> None:
    """The code of now may take for a question what then was none: it says so, and goes on."""
    case = await answered((message("Gracias"),))
    other = case.model_copy(update={"messages": (message("¿Qué planes hay?"),)})
    comparison = await compared(other)
    assert comparison.outcome.now is None
    assert "--retrieval live" in (comparison.outcome.problem or "")
    assert not comparison.same
    assert Counts.of([comparison]).without_answer == 1


async def test_live_searches_again_with_another_number() -> None:
    case = await answered((message(),))
    knowledge = FakeKnowledge(passage(2, text="Llama a soporte."))
    live = Retriever(knowledge, passages=8, timeout=timedelta(seconds=5))
    comparison = await compared(case, Replayer(TEXTS, THRESHOLDS, live=live))
    assert knowledge.queries == [message().text]
    assert comparison.outcome.now is not None
    assert comparison.outcome.now.retrieval is not None
    assert comparison.outcome.now.retrieval.n == 8
    assert Change.CITATIONS in comparison.changes


async def test_the_rest_of_a_query_is_not_worded_anew_for_frozen_passages() -> None:
    """The model is asked once, for the answer."""
    case = await answered((message("¿Y por la noche?"),))
    model = FakeModel()
    frozen = Replayer(TEXTS, THRESHOLDS, model=model, rewrite_follow_ups=True)
    await frozen.replay(case)
    assert len(model.prompts) == 1


class SlowModel:
    """Takes the longer the earlier it is asked, and counts how many ask at once."""

    name = "slow"

    def __init__(self) -> None:
        self.asked = 0
        self.at_once = 0
        self.most = 0

    async def generate(self, prompt: Prompt) -> Generation:
        self.asked += 1
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        for _ in range(max(1, 40 - self.asked)):
            await asyncio.sleep(0)
        self.at_once -= 1
        return Generation("Sí [1].", self.name, None)


async def test_many_are_replayed_in_order_and_no_more_at_once_than_wanted() -> None:
    cases = [await answered((message(number=number),)) for number in range(20)]
    model = SlowModel()
    done: list[Outcome] = []

    async def given() -> AsyncIterator[Case]:
        for case in cases:
            yield case

    await replay_all(replayer(model), given(), 3, done.append)
    assert [one.answer_id for one in done] == [case.answer.id for case in cases]
    assert model.most == 3


async def test_a_comparison_has_both_sides_as_json() -> None:
    """The question, both texts, what they rest on; no raw message and no address."""
    case = await answered((message(),))
    content = (await compared(case, replayer(passages=1))).as_json()
    assert content["question"] == message().text
    then, now = content["then"], content["now"]
    assert isinstance(then, dict)
    assert isinstance(now, dict)
    assert then["text"] == case.answer.text
    assert {"rung", "citations", "retrieval", "usage", "timings", "prompt_version"} <= now.keys()
    assert "reply_to" not in now


def test_prompts_of_the_same_content_have_the_same_version() -> None:
    """As the service's own: name and hash of the bytes."""
    assert instructions_from("a", b"x").version == "a-2d711642"
    assert instructions_from("a", b"x").version != instructions_from("a", b"y").version
