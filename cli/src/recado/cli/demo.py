"""The demo's three questions: one on each platform, and one that follows up."""

from dataclasses import dataclass
from datetime import timedelta

from rich.console import Console
from rich.text import Text

from recado.cli.ask import show
from recado.cli.asking import Reply, asker
from recado.cli.output import CliError
from recado.cli.settings import CliSettings
from recado.schemas.answers import Rung
from recado.schemas.base import Platform

QUESTIONS = (
    (Platform.WHATSAPP, "¿Por qué mi internet está lento?"),
    (Platform.TELEGRAM, "¿Por qué mi internet está lento?"),
    (Platform.WHATSAPP, "¿Y si por cable también va mal?"),
)
NO_ANSWER = {Rung.NOT_KNOWN, Rung.APOLOGY}
FIRST_TIMEOUT = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Asked:
    """The replies, and how many questions were not answered from the knowledge base."""

    replies: tuple[Reply, ...] = ()
    failures: int = 0


async def ask_all(settings: CliSettings, screen: Console) -> Asked:
    """Ask, and show each reply on the screen."""
    replies: list[Reply] = []
    failures = 0
    async with asker(settings) as asking:
        for platform, question in QUESTIONS:
            try:
                reply = await asking.ask(question, platform, timeout=FIRST_TIMEOUT)
            except CliError as error:
                screen.print(Text(f"{platform.value}: {question}: {error}", style="red"))
                failures += 1
                continue
            replies.append(reply)
            show(reply, screen)
            if reply.answer.rung in NO_ANSWER or not reply.answer.citations:
                screen.print(Text("  no source was cited", style="red"))
                failures += 1
    return Asked(tuple(replies), failures)
