"""`recado timeline` over messages that went through the whole path."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from recado.cli.finding import Asked, find
from recado.cli.output import CliError
from recado.cli.story import Step, story_of
from support.command import recado
from support.world import World, eventually

from .customers import on_whatsapp, say, written


async def test_a_timeline_shows_every_step_by_whichever_name(world: World) -> None:
    """From the webhook to the platform's reports; times rise; any id finds the same steps.

    So it does where one answer is to three messages: it names them all.
    """
    customer, since = 780_001, datetime.now(UTC)
    await world.make_known(numbers=[f"3460{customer}"])
    alone = on_whatsapp(customer, written(0))
    await say(world, alone)
    together = on_whatsapp(customer, "Hola", written(1), "es desde ayer")
    await say(world, together)

    async def reported() -> bool:
        stories = [await story(world, str(one.messages[0])) for one in (alone, together)]
        return all(steps[-1].name == "status delivered" for _, steps in stories)

    await eventually(reported, "the reports on both answers")
    conversation, steps = await story(world, str(alone.messages[0]))
    path = [
        "webhook", "message", "history", "retrieval", "answer", "sent",
        "status sent", "status delivered",
    ]  # fmt: skip
    assert [step.name for step in steps] == path
    assert [step.at for step in steps] == sorted(step.at for step in steps)
    webhook, message, _, retrieval, answer, *_ = steps
    assert message.text == written(0)
    assert len(retrieval.details) == 5
    assert answer.took
    (platform_id,) = (one.removeprefix("whatsapp id ") for one in message.details[:1])
    for name in (platform_id, answer.event_id, webhook.event_id):
        assert await story(world, name or "") == (conversation, steps)

    _, shared = await story(world, str(together.messages[0]))
    assert [step.name for step in shared] == [path[0], *["message"] * 3, *path[2:]]
    for step in shared[4:]:
        assert step.message_ids == together.messages, step.name
    for name in (*map(str, together.messages[1:]), shared[0].event_id):
        assert await story(world, name or "") == (conversation, shared)
    _, whole = await story(world, conversation or "", since=since)
    assert [step.name for step in whole].count("answer") == 2
    assert [step.name for step in whole].count("message") == 4
    with pytest.raises(CliError, match="Nothing in the topics is called 'no-such-id'"):
        await story(world, "no-such-id")

    shown, _ = await recado(world.environment, "timeline", platform_id)
    assert written(0)[:30] in shown
    shown, _ = await recado(world.environment, "timeline", str(together.messages[1]))
    assert all(text[:30] in shown for text in ("Hola", written(1), "es desde ayer"))
    assert "answer #1 #2 #3" in shown
    printed, _ = await recado(world.environment, "timeline", platform_id, "--json")
    (plain,) = json.loads(printed)
    assert [one["step"] for one in plain["steps"]] == [step.name for step in steps]
    assert plain["steps"][0]["from_start_ms"] == 0
    assert all("payload" not in one["value"] for one in plain["events"])


async def story(
    world: World, name: str, *, since: datetime | None = None
) -> tuple[str | None, list[Step]]:
    """The conversation that has this name, or something in it has, and its steps."""
    asked = Asked(name, since or datetime.now(UTC) - timedelta(hours=1))
    (found,) = await find(world.settings, asked)
    return found.conversation, story_of(found.records)
