"""The demo's three questions: one on each platform, and one that follows up."""

from datetime import timedelta

from rich.text import Text

from recado.cli.ask import show
from recado.cli.asking import asker
from recado.cli.output import CliError, console
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


async def ask_all(settings: CliSettings) -> int:
    """Ask and show; how many were not answered from the knowledge base."""
    failures = 0
    async with asker(settings) as asking:
        for platform, question in QUESTIONS:
            try:
                reply = await asking.ask(question, platform, timeout=FIRST_TIMEOUT)
            except CliError as error:
                console.print(Text(f"{platform.value}: {question}: {error}", style="red"))
                failures += 1
                continue
            show(reply)
            if reply.answer.rung in NO_ANSWER or not reply.answer.citations:
                console.print(Text("  no source was cited", style="red"))
                failures += 1
    return failures
