"""The README's examples do what it says, typed as printed."""

import asyncio
import os
import re
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from recado.schemas import topics
from recado.schemas.events import MessageReceived
from support.world import World, eventually

README = Path(__file__).parents[2] / "README.md"
EXAMPLES = re.findall(r"```bash\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)

# What each example must print, in the README's order.
EXPECTED: Sequence[Sequence[str]] = (
    ("200 OK", "1158201444"),
    ("403 Forbidden",),
    ("200 OK", "no protection against repeats"),
    ("200 OK", "no protection against repeats"),
    ("200 OK", '"messages":1'),
    ("401 Unauthorized",),
    ("401 Unauthorized",),
    ("Hola",),
    ("whatsapp", "telegram", "message", "verification", "verified", "rejected", "401", "403"),
)


@dataclass(frozen=True)
class Typed:
    """What an example printed."""

    status: int
    output: str


async def type_in(world: World, example: str) -> Typed:
    """Run an example in a shell, with the demo's addresses replaced by this world's."""
    script = example.replace("http://127.0.0.1:9000", world.ingress_url).replace(
        "http://127.0.0.1:9100", world.settings.standins_url
    )
    scripts = Path(sys.executable).parent
    process = await asyncio.create_subprocess_exec(
        "bash",
        "-ec",
        script,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={
            **os.environ,
            **world.environment,
            "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}",
            "COLUMNS": "200",
        },
    )
    async with asyncio.timeout(60):
        written, errors = await process.communicate()
    return Typed(process.returncode or 0, written.decode() + errors.decode())


async def test_every_example_does_what_the_readme_says(world: World) -> None:
    """In order: handshakes, minimal posts, a signed one, wrong ones, and what can be seen of it."""
    for tool in ("curl", "openssl"):
        if shutil.which(tool) is None:
            pytest.fail(f"the README's examples need {tool}")
    assert len(EXAMPLES) == len(EXPECTED)
    received_before = len(await world.received("telegram", "123456"))
    webhooks_before = len(await world.rows("webhooks"))
    for example, expected in zip(EXAMPLES, EXPECTED, strict=True):
        if "control/messages" in example:

            async def replied() -> bool:
                return len(await world.received("telegram", "123456")) > received_before

            await eventually(replied, "the reply to the minimal Telegram message")
        if example.startswith("recado webhooks"):

            async def recorded() -> bool:
                return len(await world.rows("webhooks")) >= webhooks_before + 7

            await eventually(recorded, "the seven requests in the webhook log")
        typed = await type_in(world, example)
        for words in expected:
            assert words in typed.output, f"{example}\nprinted\n{typed.output}"
    await world.settle()
    messages = [
        one
        for one in await world.events(topics.MESSAGES, MessageReceived)
        if one.reply_to.chat == "1234567890"
    ]
    answers = {one.id: one for one in await world.answers_to(messages)}
    assert len(messages) >= 2, "the minimal and the signed WhatsApp message"
    answered = {message for one in answers.values() for message in one.message_ids}
    assert answered == {one.id for one in messages}
    assert len(await world.received("whatsapp", "1234567890")) == len(answers)


async def test_the_readme_s_integrations_file_is_accepted(tmp_path: Path) -> None:
    """The YAML under "Going live" loads with its secrets in the environment."""
    import textwrap

    from recado.channels.integrations import load_integrations

    (example,) = re.findall(r"```yaml\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    file = tmp_path / "integrations.yaml"
    file.write_text(textwrap.dedent("   " + example.lstrip()), encoding="utf-8")
    environ = {
        "WHATSAPP_ACCESS_TOKEN": "token",
        "WHATSAPP_APP_SECRET": "secret",
        "WHATSAPP_VERIFY_TOKEN": "verify",
        "TELEGRAM_BOT_TOKEN": "123:abc",
        "TELEGRAM_SECRET_TOKEN": "s3cret",
    }
    assert {one.name for one in load_integrations(file, environ)} == {"soporte", "soporte-bot"}
