"""Commands: words that the assistant takes literally.

A command stands at the beginning of the message, in any case, with or without the bot's name as
Telegram adds it in groups (`/ayuda@fibralia_bot`). What follows it is ignored: Telegram's deep
links put a payload behind `/start`. An unknown command is an ordinary message.
"""

import re
from enum import StrEnum


class Command(StrEnum):
    """What a customer can order."""

    START = "start"
    HELP = "help"
    RESET = "reset"


_BY_WORD = {
    "start": Command.START,
    "ayuda": Command.HELP,
    "help": Command.HELP,
    "reset": Command.RESET,
}
_COMMAND = re.compile(r"\s*/(?P<word>[a-z]+)(?:@\w+)?(?=\s|$)", re.IGNORECASE)


def command_in(text: str) -> Command | None:
    """The command that this text is, if it is one."""
    found = _COMMAND.match(text)
    return None if found is None else _BY_WORD.get(found["word"].lower())
