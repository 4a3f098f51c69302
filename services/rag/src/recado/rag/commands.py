"""Commands: words that the assistant takes literally.

A command stands at the beginning of the message, in any case, with or without the bot's name as
Telegram adds it in groups (`/ayuda@fibralia_bot`). What follows it is ignored: Telegram's deep
links put a payload behind `/start`. An unknown command is an ordinary message.

BAJA, ALTA and STOP need no slash, as with short messages: people write them as they read them. Then
they must be the whole message: "quiero dar de baja el servicio" is a question.
"""

import re
from enum import StrEnum


class Command(StrEnum):
    """What a customer can order."""

    START = "start"
    HELP = "help"
    RESET = "reset"
    OPT_OUT = "opt_out"
    """No automatic answers from here on."""
    OPT_IN = "opt_in"
    """Automatic answers again."""


_BY_WORD = {
    "start": Command.START,
    "ayuda": Command.HELP,
    "help": Command.HELP,
    "reset": Command.RESET,
    "baja": Command.OPT_OUT,
    "stop": Command.OPT_OUT,
    "alta": Command.OPT_IN,
}
_COMMAND = re.compile(r"\s*/(?P<word>[a-z]+)(?:@\w+)?(?=\s|$)", re.IGNORECASE)
_LONE_WORD = re.compile(r"\s*(?P<word>baja|stop|alta)[\s.!]*", re.IGNORECASE)


def command_in(text: str) -> Command | None:
    """The command that this text is, if it is one."""
    found = _COMMAND.match(text) or _LONE_WORD.fullmatch(text)
    return None if found is None else _BY_WORD.get(found["word"].lower())


def opts_out(command: Command | None) -> bool | None:
    """True: no automatic answers from this command on. False: again. None: as before."""
    if command is Command.OPT_OUT:
        return True
    return False if command in (Command.START, Command.OPT_IN) else None
