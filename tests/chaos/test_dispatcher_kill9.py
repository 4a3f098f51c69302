"""kill -9 of two dispatchers while answers go out: each arrives, once and in its order.

A customer of Telegram may see an answer twice whose send was under way at a kill, for Telegram
can't be asked. One of WhatsApp sees it once: the status that reports it settles what became of it.
"""

import asyncio
import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from recado.devstack.stack.mongodb import URL_VARIABLE, MongoDb, SecantusDb
from recado.schemas import topics
from recado.schemas.events import AnswerDelivered, AnswerGenerated, StatusReported

from .dispatcher_pair import Conversation, Pair, conversations, dispatcher_pair, repeats

UNCERTAIN_AFTER = timedelta(seconds=20)
SETTINGS = {
    # The defaults are for production; a proof need not wait for them.
    "RECADO_KAFKA_SESSION_TIMEOUT": "PT3S",
    "RECADO_KAFKA_REBALANCE_TIMEOUT": "PT20S",
    "RECADO_DRAIN_TIMEOUT": "PT6S",
    "RECADO_SEND_TIMEOUT": "PT3S",
    "RECADO_CLAIM_SKEW": "PT0.5S",
    "RECADO_UNCERTAIN_AFTER": f"PT{UNCERTAIN_AFTER.total_seconds():.0f}S",
}
DELAYS = ("PT0.05S", "PT0.15S", "PT0.3S")
"""Of the platforms' answers, so that kills meet sends under way."""


async def make_platforms_slow(pair: Pair) -> None:
    """Each request takes one of the delays."""
    slow = [
        {"kind": "slow", "delay": delay, "probability": 1 / left, "seed": left}
        for delay, left in zip(DELAYS, range(len(DELAYS), 0, -1), strict=True)
    ]
    for platform in ("whatsapp", "telegram"):
        await pair.world.control("PUT", f"/faults/{platform}", json=slow)


async def kill_mongodb_at(pair: Pair, moment: int) -> None:
    """SIGKILL MongoDB's stand-in when so many answers are done, and start it a second later."""
    await pair.until(moment)
    server = pair.world.stack.mongodb
    if isinstance(server, SecantusDb):
        await server.kill9()
        await asyncio.sleep(1)
        await server.start()
        print(f"MongoDB's stand-in killed after {moment} answers")


async def deliver(
    pair: Pair,
    talks: Sequence[Conversation],
    kills: int,
    *,
    seed: int,
    within: timedelta,
    mongodb_too: bool = False,
) -> None:
    """Publish all answers at once; kill at random moments until everything has its outcome."""
    draw = random.Random(seed)
    # Step by step over the conversations: each one's answers are in their order.
    answers = [one for step in zip(*(talk.answers for talk in talks), strict=True) for one in step]
    moments = sorted(draw.sample(range(1, len(answers) - len(answers) // 20), kills))
    await pair.begin(talks)
    await make_platforms_slow(pair)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(pair.follow(len(answers), within))
        tasks.create_task(pair.kill_at(moments, draw))
        if mongodb_too:
            tasks.create_task(kill_mongodb_at(pair, len(answers) // 2))
        await pair.publish(answers)


async def assert_each_arrived_in_order(pair: Pair, talks: Sequence[Conversation]) -> None:
    """What the platforms' record and the topic of deliveries say; everything is printed."""
    answers = {one.id: one for talk in talks for one in talk.answers}
    delivered = {
        answer for answer, event in pair.outcomes.items() if isinstance(event, AnswerDelivered)
    }
    received = await pair.world.received()
    arrived: defaultdict[str, list[str]] = defaultdict(list)
    for one in received:
        of_chat = arrived[str(one["chat"])]
        if one["text"] not in of_chat:
            of_chat.append(str(one["text"]))
    lost = sum(
        one.text not in arrived[talk.reply_to.chat] for talk in talks for one in talk.answers
    )
    out_of_order = sum(
        arrived[talk.reply_to.chat] != [one.text for one in talk.answers] for talk in talks
    )
    in_flight = {claim for kill in pair.kills for claim in kill.in_flight}
    print(
        f"{len(answers)} answers to {len(talks)} conversations, {len(pair.kills)} kills: "
        f"{len(delivered)} delivered, {lost} lost, {out_of_order} conversations out of order"
    )
    print(
        "kills after so many answers (Telegram sends in flight): "
        + ", ".join(f"{kill.answers_delivered} ({len(kill.in_flight)})" for kill in pair.kills)
    )
    again = repeats(received)
    by_text = {(talk.reply_to.chat, one.text): one for talk in talks for one in talk.answers}
    on_telegram = [key for key in again if by_text[key].reply_to.platform == "telegram"]
    on_whatsapp = [key for key in again if by_text[key].reply_to.platform == "whatsapp"]
    late = await reported_late(pair, received, [by_text[key] for key in on_whatsapp])
    print(
        f"repeats seen by a customer: {sum(again[key] for key in on_telegram)} on Telegram, of "
        f"{len(in_flight)} sends in flight at a kill; {sum(again[key] for key in on_whatsapp)} on "
        f"WhatsApp, {late} of them with no status within {UNCERTAIN_AFTER.total_seconds():.0f} s"
    )
    assert delivered == set(answers)
    assert lost == 0
    assert out_of_order == 0
    killed_in_flight = {answer for answer, _part, _attempt in in_flight}
    unexplained = [key for key in on_telegram if str(by_text[key].id) not in killed_in_flight]
    assert not unexplained, "an answer came twice, and its send was not under way at a kill"
    assert sum(again[key] for key in on_telegram) <= len(in_flight)
    assert len(on_whatsapp) == late, "an answer came twice although its status came in time"


async def reported_late(
    pair: Pair, received: Sequence[Mapping[str, object]], twice: Sequence[AnswerGenerated]
) -> int:
    """Of how many that came twice the first's status was not in its topic in time."""
    if not twice:
        return 0
    reports = await pair.world.events(topics.STATUSES, StatusReported)
    in_time = {
        one.platform_message_id
        for one in reports
        if one.occurred_at - one.reported_at < UNCERTAIN_AFTER
    }
    texts = {(one.reply_to.chat, one.text) for one in twice}
    firsts: dict[tuple[str, str], str] = {}
    for one in received:
        key = str(one["chat"]), str(one["text"])
        if key in texts:
            firsts.setdefault(key, str(one["message_id"]))
    return sum(message_id not in in_time for message_id in firsts.values())


@pytest.mark.long
async def test_two_dispatchers_are_killed_twenty_times_while_5000_answers_go_out(
    tmp_path: Path, java: Mapping[str, str]
) -> None:
    """500 conversations, 10 answers each; MongoDB's stand-in is killed once, too."""
    talks = conversations(500, deep=10)
    async with dispatcher_pair(tmp_path, java, SETTINGS) as pair:
        await deliver(pair, talks, kills=20, seed=7, within=timedelta(minutes=20), mongodb_too=True)
        await assert_each_arrived_in_order(pair, talks)


async def test_two_dispatchers_are_killed_while_60_answers_go_out(
    tmp_path: Path, java: Mapping[str, str], mongodb: MongoDb
) -> None:
    """The same, small enough for every run."""
    talks = conversations(12, deep=5)
    environment = {**java, URL_VARIABLE: mongodb.url}
    settings = {**SETTINGS, "RECADO_MONGODB_DATABASE": f"d{uuid4().hex}"}
    async with dispatcher_pair(tmp_path, environment, settings) as pair:
        await deliver(pair, talks, kills=2, seed=7, within=timedelta(minutes=2))
        await assert_each_arrived_in_order(pair, talks)
