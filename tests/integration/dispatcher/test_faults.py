"""Platforms that fail in every way, and answers that come to their right end all the same."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import httpx
import pytest

from recado.devstack.stack.mongodb import MongoDb
from recado.schemas.conversations import ReplyTo
from recado.schemas.events import AnswerDelivered, AnswerGenerated, AnswerNotDelivered
from support.dispatcher_bench import Bench

from .test_dispatcher import answer_now, on_telegram, on_whatsapp

Fault = dict[str, object]

PASSING: dict[str, list[Fault]] = {
    "whatsapp": [
        {"kind": "rate_limited", "code": 130429},
        {"kind": "rate_limited", "code": 80007},
        {"kind": "refused", "code": 131016},
        {"kind": "refused", "code": 131057},
        {"kind": "refused", "code": 131999},
    ],
    "telegram": [
        {"kind": "rate_limited", "retry_after": "PT1S"},
        {"kind": "refused", "code": 409, "description": "Conflict"},
    ],
}
"""Nothing was sent, and it may be again. The last of each is a code that nobody knows."""

UNKNOWN: list[Fault] = [{"kind": "drop"}, {"kind": "html"}, {"kind": "broken", "status": 502}]
"""Bytes went out and nobody knows. Of the hanging ones the customer has the message."""

FINAL: dict[str, list[tuple[Fault, str]]] = {
    "whatsapp": [
        ({"kind": "refused", "code": 131026}, "refused"),
        ({"kind": "refused", "code": 131047}, "window_closed"),
    ],
    "telegram": [
        ({"kind": "refused", "code": 400, "description": "Bad Request: chat not found"}, "refused"),
        ({"kind": "refused", "code": 403, "description": "Forbidden: blocked"}, "blocked"),
    ],
}


@dataclass(frozen=True)
class Scene:
    """Customers of both platforms, one answer each."""

    answers: Sequence[AnswerGenerated]

    @classmethod
    async def made(cls, bench: Bench, unique: Callable[[], int], each: int) -> "Scene":
        numbers, chats = unique(), unique()
        for n in range(each):
            await bench.customers(
                {"platform": "whatsapp", "number": str(numbers + n)},
                {"platform": "telegram", "chat": chats + n},
            )
        addresses: list[ReplyTo] = [on_whatsapp(numbers + n) for n in range(each)]
        addresses += [on_telegram(chats + n) for n in range(each)]
        return cls([answer_now(1, reply_to) for reply_to in addresses])

    def of(self, platform: str) -> set[str]:
        return {str(one.id) for one in self.answers if one.reply_to.platform == platform}

    async def outcomes(
        self, bench: Bench, within: float
    ) -> dict[str, AnswerDelivered | AnswerNotDelivered]:
        async with asyncio.timeout(within):
            return {str(one.id): await bench.outcome(one.id) for one in self.answers}

    async def received(self, bench: Bench) -> Counter[str]:
        """How often each customer has their message."""
        page = await bench.http.get("/control/messages", params={"limit": 50_000})
        chats = {one.reply_to.chat for one in self.answers}
        return Counter(one["chat"] for one in page.json()["messages"] if one["chat"] in chats)


async def faulty(bench: Bench, share: float) -> dict[str, set[str]]:
    """Have each platform fail in every way, so often in all; the reasons that are right then."""
    expected: dict[str, set[str]] = {}
    for platform, passing in PASSING.items():
        final = FINAL[platform]
        hang: Fault = {"kind": "hang", "count": 6}
        faults = [*passing, *UNKNOWN, hang, *(fault for fault, _ in final)]
        each = share / len(faults)
        await bench.faults(
            platform,
            *({**fault, "probability": each, "seed": seed} for seed, fault in enumerate(faults)),
        )
        expected[platform] = {reason for _, reason in final}
    return expected


@pytest.mark.parametrize(
    ("each", "share"),
    [pytest.param(20, 0.4, id="few"), pytest.param(400, 0.1, id="many")],
)
@pytest.mark.long
async def test_whatever_a_platform_answers_every_answer_comes_to_its_right_end(
    bench: Bench, mongodb: MongoDb, unique: Callable[[], int], each: int, share: float
) -> None:
    """Delivered, or not and the right reason why; nothing twice whose result was not unknown."""
    scene = await Scene.made(bench, unique, each)
    service = await bench.dispatcher(
        mongodb.url, RECADO_UNCERTAIN_AFTER="PT1S", RECADO_SEND_TIMEOUT="PT2S"
    )
    expected = await faulty(bench, share)
    await bench.publish(*scene.answers)
    outcomes = await scene.outcomes(bench, 60 + each)
    received = await scene.received(bench)
    repeated = {str(id_) for id_, one in outcomes.items() if getattr(one, "repeated_parts", 0)}
    reasons: Counter[str] = Counter()
    for one in scene.answers:
        outcome, times = outcomes[str(one.id)], received[one.reply_to.chat]
        if isinstance(outcome, AnswerDelivered):
            assert times >= 1
            assert times == 1 or str(one.id) in repeated
        else:
            reasons[f"{one.reply_to.platform} {outcome.reason.value}"] += 1
            assert outcome.reason.value in expected[one.reply_to.platform] | {"uncertain"}
            assert times == 0 or outcome.reason.value == "uncertain" or outcome.parts_sent == 0
    delivered = sum(isinstance(one, AnswerDelivered) for one in outcomes.values())
    more_than_once = sum(times > 1 for times in received.values())
    async with httpx.AsyncClient() as http:
        lines = (await http.get(f"{service.url}/metrics")).text.splitlines()
    sends = [line for line in lines if line.startswith("recado_sends_total")]
    print(
        f"\n{len(outcomes)} answers: {delivered} delivered, {dict(reasons)}; {len(repeated)} sent "
        f"again, {more_than_once} received more than once\n" + "\n".join(sends)
    )
    assert delivered
    assert len(outcomes) == 2 * each


async def test_who_waits_for_a_platform_holds_up_nobody_else(
    bench: Bench, mongodb: MongoDb, unique: Callable[[], int]
) -> None:
    """Its answer goes out last, although it was the first."""
    scene = await Scene.made(bench, unique, 8)
    await bench.dispatcher(mongodb.url)
    first, *others = scene.answers
    await bench.faults("whatsapp", {"kind": "rate_limited", "code": 131056, "count": 1})
    await bench.publish(first)
    await asyncio.sleep(1)
    await bench.publish(*others)
    for one in others:
        assert isinstance(await bench.outcome(one.id), AnswerDelivered)
    assert (await scene.received(bench))[first.reply_to.chat] == 0
    assert isinstance(await bench.outcome(first.id), AnswerDelivered)
