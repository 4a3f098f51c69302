"""Stands for Telegram's Bot API: `/bot{token}/{method}`, GET or POST.

Methods: getMe, setWebhook, getWebhookInfo, deleteWebhook, sendMessage, sendChatAction,
answerCallbackQuery; any other is "Not Found". Names are taken in any case, as the real API does.

Sources: Bot API 10.3 (sections named like the methods); wording of the errors:
tdlib/telegram-bot-api (`Client.cpp`).
"""

import hmac
import json
import re
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta

from pydantic import JsonValue

from recado.devstack.standins.calls import REDACTED, Call, Reply, Sketch
from recado.devstack.standins.config import Bot, TelegramConfig
from recado.devstack.standins.customers import Customers, TelegramCustomer
from recado.devstack.standins.faults import Fault, FaultKind, Platform
from recado.devstack.standins.records import Journal, MessageRecord
from recado.devstack.standins.telegram_errors import (
    BadRequest,
    Forbidden,
    MethodUnknown,
    TelegramError,
    Unauthorized,
    error_reply,
)
from recado.devstack.standins.telegram_markup import take_off_markup
from recado.devstack.standins.telegram_params import Params, integer, parsed, read_params, text
from recado.devstack.standins.telegram_text import check_entities, check_text
from recado.devstack.standins.telegram_webhook import Webhook, read_webhook

_PATH = re.compile(r"/bot(?P<token>[^/]*)/(?P<method>[^/]*)/?")

# Bot API, sendChatAction.
CHAT_ACTIONS = frozenset(
    {
        "typing",
        "upload_photo",
        "record_video",
        "upload_video",
        "record_voice",
        "upload_voice",
        "upload_document",
        "choose_sticker",
        "find_location",
        "record_video_note",
        "upload_video_note",
    }
)
# Bot API, answerCallbackQuery.
LONGEST_NOTICE = 200

_BROKEN = {500: "Internal Server Error", 502: "Bad Gateway", 503: "Service Unavailable"}


class Telegram:
    """The Bot API's stand-in."""

    platform = Platform.TELEGRAM
    answer_time = timedelta(0)

    def __init__(
        self, config: TelegramConfig, *, customers: Customers, journal: Journal, started: datetime
    ) -> None:
        self._config = config
        self._customers = customers
        self._journal = journal
        self._webhooks: dict[int, Webhook] = {}
        # Message ids rise in each chat; those of an earlier run of the stand-in never come again.
        first_id = max(1, int(started.timestamp()) - 1_700_000_000)
        self._next_ids: defaultdict[int, int] = defaultdict(lambda: first_id)
        self._methods: dict[str, Callable[[Call, Bot, Params], JsonValue]] = {
            "getme": self._get_me,
            "setwebhook": self._set_webhook,
            "deletewebhook": self._delete_webhook,
            "getwebhookinfo": self._get_webhook_info,
            "sendmessage": self._send_message,
            "sendchataction": self._send_chat_action,
            "answercallbackquery": self._answer_callback_query,
        }

    def sketch(self, call: Call) -> Sketch:
        """The token in the path and the webhook's secret are not kept; a form is kept as JSON."""
        path = _PATH.fullmatch(call.path)
        if path is None:
            return Sketch("", re.sub(r"/bot[^/]*", f"/bot{REDACTED}", call.path), b"")
        try:
            params = dict(read_params(call))
        except BadRequest:
            return Sketch(path["method"], f"/bot{REDACTED}/{path['method']}", b"")
        if "secret_token" in params:
            params["secret_token"] = REDACTED
        body = json.dumps(params).encode() if params else b""
        return Sketch(path["method"], f"/bot{REDACTED}/{path['method']}", body)

    def fault_reply(self, call: Call, fault: Fault) -> Reply:
        """Bot API, ResponseParameters: 429 says in `retry_after` how many seconds to wait."""
        if fault.kind is FaultKind.RATE_LIMITED:
            seconds = max(1, round(fault.retry_after.total_seconds()))
            description = f"Too Many Requests: retry after {seconds}"
            return error_reply(429, description, {"retry_after": seconds})
        if fault.kind is FaultKind.REFUSED:
            return error_reply(fault.code, fault.description or "Refused as told", {})
        return error_reply(fault.status, _BROKEN.get(fault.status, "Internal Server Error"), {})

    def answer(self, call: Call, fault: Fault | None) -> Reply:
        """Check the call and carry the method out."""
        try:
            path = _PATH.fullmatch(call.path)
            if path is None or call.method not in {"GET", "POST"}:
                raise MethodUnknown
            bot = self._bot(path["token"])
            method = self._methods.get(path["method"].lower())
            if method is None:
                raise MethodUnknown
            result = method(call, bot, read_params(call))
        except TelegramError as refusal:
            return refusal.reply()
        return Reply(200, {"ok": True, "result": result})

    def _bot(self, token: str) -> Bot:
        given = token.encode()
        for bot in self._config.bots:
            if hmac.compare_digest(given, bot.token.get_secret_value().encode()):
                return bot
        raise Unauthorized

    def _get_me(self, call: Call, bot: Bot, params: Params) -> JsonValue:
        return {
            **_bot_as_user(bot),
            "can_join_groups": True,
            "can_read_all_group_messages": False,
            "supports_inline_queries": False,
        }

    def _set_webhook(self, call: Call, bot: Bot, params: Params) -> JsonValue:
        self._webhooks[bot.id] = read_webhook(params, loopback=self._config.loopback_webhooks)
        return True

    def _delete_webhook(self, call: Call, bot: Bot, params: Params) -> JsonValue:
        self._webhooks.pop(bot.id, None)
        return True

    def _get_webhook_info(self, call: Call, bot: Bot, params: Params) -> JsonValue:
        return self._webhooks.get(bot.id, Webhook()).info()

    def _send_message(self, call: Call, bot: Bot, params: Params) -> JsonValue:
        # The real one looks at the text before it looks for the chat.
        given = text(params, "text")
        if not given:
            raise BadRequest("message text is empty")
        parse_mode = text(params, "parse_mode")
        if parse_mode:
            shown = take_off_markup(given, parse_mode)
            entities: tuple[dict[str, JsonValue], ...] = ()
        else:
            shown = given
            entities = check_entities(given, parsed(params, "entities", "entities"))
        quoted = _quoted(params)
        if not isinstance(parsed(params, "reply_markup", "reply markup"), dict | None):
            raise BadRequest("object expected as reply markup")
        chat = self._chat(params)
        check_text(shown)
        thread = _thread(params, chat)
        message_id = self._next_ids[chat.chat]
        self._next_ids[chat.chat] += 1
        self._journal.received(
            MessageRecord(
                index=self._journal.next_message_index(),
                request=call.record,
                platform=self.platform,
                sender=str(bot.id),
                chat=str(chat.chat),
                thread=thread,
                text=shown,
                entities=entities,
                parse_mode=parse_mode or None,
                message_id=str(message_id),
                at=call.at,
                in_reply_to=quoted,
                answered=call.answered,
            )
        )
        message: dict[str, JsonValue] = {
            "message_id": message_id,
            "from": _bot_as_user(bot),
            "chat": {"id": chat.chat, "type": chat.kind, "first_name": chat.name},
            "date": int(call.at.timestamp()),
            "text": shown,
        }
        if chat.kind != "private":
            message["chat"] = {"id": chat.chat, "type": chat.kind, "title": chat.name}
        if entities:
            message["entities"] = list(entities)
        if thread is not None:
            message["message_thread_id"] = thread
        return message

    def _send_chat_action(self, call: Call, bot: Bot, params: Params) -> JsonValue:
        if text(params, "action") not in CHAT_ACTIONS:
            raise BadRequest("wrong parameter action in request")
        _thread(params, self._chat(params))
        return True

    def _answer_callback_query(self, call: Call, bot: Bot, params: Params) -> JsonValue:
        if not text(params, "callback_query_id").isdecimal():
            raise BadRequest("query is too old and response timeout expired or query ID is invalid")
        if len(text(params, "text")) > LONGEST_NOTICE:
            raise BadRequest("MESSAGE_TOO_LONG")
        return True

    def _chat(self, params: Params) -> TelegramCustomer:
        given = text(params, "chat_id").strip()
        if not given:
            raise BadRequest("chat_id is empty")
        try:
            chat = self._customers.by_chat(int(given))
        except ValueError:
            chat = None
        if chat is None:
            raise BadRequest("chat not found")
        if chat.migrated_to is not None:
            raise BadRequest(
                "group chat was upgraded to a supergroup chat", migrate_to=chat.migrated_to
            )
        if chat.blocked:
            raise Forbidden("bot was blocked by the user")
        return chat


def _bot_as_user(bot: Bot) -> dict[str, JsonValue]:
    return {"id": bot.id, "is_bot": True, "first_name": bot.username, "username": bot.username}


def _quoted(params: Params) -> str | None:
    """The id of the message replied to; whether it exists is not known here."""
    reply = parsed(params, "reply_parameters", "reply parameters")
    if reply is None:
        return None
    if not isinstance(reply, dict):
        raise BadRequest("object expected as reply parameters")
    message_id = integer(reply, "message_id")
    if message_id is None or message_id <= 0:
        raise BadRequest("message to be replied not found")
    return str(message_id)


def _thread(params: Params, chat: TelegramCustomer) -> int | None:
    thread = integer(params, "message_thread_id")
    if thread is not None and thread not in chat.threads:
        raise BadRequest("message thread not found")
    return thread
