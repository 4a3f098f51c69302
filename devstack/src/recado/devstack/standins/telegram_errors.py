"""Errors of the Bot API (wording: tdlib/telegram-bot-api, `Client.cpp`).

TelegramError
├── BadRequest     400 "Bad Request: …", perhaps with `migrate_to_chat_id`
├── Forbidden      403 "Forbidden: …"
├── Unauthorized   401, the token is not one of a bot's
└── MethodUnknown  404, the method is not there
"""

from pydantic import JsonValue

from recado.devstack.standins.calls import Reply


class TelegramError(Exception):
    """A refusal: its code, and its description in the Bot API's words."""

    code = 400
    prefix = "Bad Request: "

    def __init__(self, description: str = "", *, migrate_to: int | None = None) -> None:
        self.description = f"{self.prefix}{description}"
        self.migrate_to = migrate_to
        super().__init__(self.description)

    def reply(self) -> Reply:
        """The refusal as the Bot API answers it."""
        parameters: dict[str, JsonValue] = (
            {} if self.migrate_to is None else {"migrate_to_chat_id": self.migrate_to}
        )
        return error_reply(self.code, self.description, parameters)


class BadRequest(TelegramError):
    """The request can't be done as it is."""


class Forbidden(TelegramError):
    """The bot may not write to that chat."""

    code = 403
    prefix = "Forbidden: "


class Unauthorized(TelegramError):
    """The token is not one of a known bot."""

    code = 401
    prefix = "Unauthorized"


class MethodUnknown(TelegramError):
    """There is no such method (here: perhaps none that is stood in for)."""

    code = 404
    prefix = "Not Found"


def error_reply(code: int, description: str, parameters: dict[str, JsonValue]) -> Reply:
    """Bot API, "Making requests": ok, error_code, description and, where it helps, parameters."""
    body: dict[str, JsonValue] = {"ok": False, "error_code": code, "description": description}
    if parameters:
        body["parameters"] = parameters
    return Reply(code, body, refusal=description)
