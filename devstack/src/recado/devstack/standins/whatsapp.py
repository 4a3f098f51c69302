"""Stands for WhatsApp's Cloud API: `POST /{version}/{phone_number_id}/messages`.

Takes text messages, templates and read marks with a typing indicator. What is accepted is kept as
received by the customer and reported by `sent` and `delivered` webhooks with the sender's callback
data. Order of the checks: path, version, token, phone number, body, recipient, window.

Sources ("MD/": Meta's developer documents on business messaging / WhatsApp): MD/messages for the
bodies, MD/typing-indicators for the read mark, MD/business-scoped-user-ids for `recipient`.
"""

import hmac
import itertools
import re
import secrets
from base64 import b64encode
from datetime import timedelta

from pydantic import JsonValue

from recado.devstack.standins import graph_errors as errors
from recado.devstack.standins.calls import Call, Reply, Sketch
from recado.devstack.standins.config import WhatsAppConfig
from recado.devstack.standins.customers import Customers, WhatsAppCustomer, window_is_open
from recado.devstack.standins.faults import Fault, FaultKind, Platform
from recado.devstack.standins.records import Journal, MessageRecord
from recado.devstack.standins.statuses import Receipt, StatusSender
from recado.devstack.standins.whatsapp_body import (
    InvalidBody,
    ReadMark,
    TextMessage,
    UnsupportedType,
    is_read_mark,
    read_body,
)

_PATH = re.compile(r"/(?P<version>v\d+\.\d+)/(?P<number>[^/]+)/messages/?")
_NOT_A_DIGIT = re.compile(r"[\s()+.-]")
_USER_ID = re.compile(r"[A-Z]{2}\.[A-Za-z0-9]{1,128}")


class WhatsApp:
    """The Graph API's stand-in."""

    platform = Platform.WHATSAPP
    answer_time = timedelta(0)

    def __init__(
        self,
        config: WhatsAppConfig,
        *,
        customers: Customers,
        journal: Journal,
        statuses: StatusSender,
    ) -> None:
        self._config = config
        self._tokens = [token.get_secret_value().encode() for token in config.access_tokens]
        self._numbers = {number.id for number in config.phone_numbers}
        self._customers = customers
        self._journal = journal
        self._statuses = statuses
        # The ids of another run of the stand-in never come again.
        self._run = secrets.token_hex(6)
        self._ids = itertools.count(1)

    def sketch(self, call: Call) -> Sketch:
        """The body holds no credential; a token in the query is not kept, for the query is not."""
        return Sketch("read" if is_read_mark(call.body) else "messages", call.path, call.body)

    def fault_reply(self, call: Call, fault: Fault) -> Reply:
        """130429, 131056, 80007 or 4 when rate limited; 131016 or 131000 when broken; any."""
        if fault.kind is FaultKind.REFUSED:
            return errors.GraphError(400, fault.code, "Refused as told").reply()
        if fault.kind is FaultKind.RATE_LIMITED:
            error = errors.RATE_LIMITS.get(fault.code, errors.RATE_LIMITS[130429])
            return error.reply()
        error = errors.OVERLOADED if fault.status == errors.OVERLOADED.status else errors.BROKEN
        reply = error.reply()
        return Reply(fault.status, reply.body, reply.refusal)

    def answer(self, call: Call, fault: Fault | None) -> Reply:
        """Check the call, and deliver or mark as read."""
        path = _PATH.fullmatch(call.path)
        if path is None:
            return errors.UNKNOWN_PATH.reply()
        if call.method != "POST":
            return errors.WRONG_METHOD.reply()
        if path["version"] not in self._config.versions:
            return errors.RETIRED_VERSION.reply()
        if not self._authorized(call):
            return errors.INVALID_TOKEN.reply()
        if path["number"] not in self._numbers:
            return errors.UNKNOWN_PHONE_NUMBER.reply()
        try:
            body = read_body(call.body)
        except InvalidBody as invalid:
            return errors.invalid_parameter(str(invalid)).reply()
        except UnsupportedType as unsupported:
            return errors.UNSUPPORTED_TYPE.reply(str(unsupported))
        if isinstance(body, ReadMark):
            return Reply(200, {"success": True})
        return self._send(call, path["number"], body)

    def _authorized(self, call: Call) -> bool:
        scheme, _, token = call.headers.get("authorization", "").partition(" ")
        given = token.strip().encode()
        return scheme.lower() == "bearer" and any(
            hmac.compare_digest(given, known) for known in self._tokens
        )

    def _send(self, call: Call, phone_number_id: str, message: TextMessage) -> Reply:
        if message.to is not None:
            if _USER_ID.fullmatch(message.to):
                # MD/business-scoped-user-ids: a user id in `to` is accepted and silently dropped.
                contact: dict[str, JsonValue] = {"input": message.to, "wa_id": message.to}
                return self._accepted(contact, self._new_id())
            number = _NOT_A_DIGIT.sub("", message.to)
            customer = self._customers.by_number(number)
            contact = {"input": message.to, "wa_id": number}
            chat = number
        else:
            user_id = message.recipient or ""
            customer = self._customers.by_user_id(user_id)
            contact = {"input": user_id, "user_id": user_id}
            chat = user_id
        if customer is None:
            return errors.RECIPIENT_NOT_ALLOWED.reply()
        if message.template is None and not window_is_open(customer, now=call.at):
            return errors.WINDOW_CLOSED.reply()
        message_id = self._new_id()
        self._deliver(call, phone_number_id, message, customer, chat, message_id)
        return self._accepted(contact, message_id)

    def _deliver(
        self,
        call: Call,
        phone_number_id: str,
        message: TextMessage,
        customer: WhatsAppCustomer,
        chat: str,
        message_id: str,
    ) -> None:
        self._journal.received(
            MessageRecord(
                index=self._journal.next_message_index(),
                request=call.record,
                platform=self.platform,
                sender=phone_number_id,
                chat=chat,
                text=message.body,
                message_id=message_id,
                at=call.at,
                in_reply_to=message.in_reply_to,
                callback_data=message.callback_data,
                template=message.template,
                answered=call.answered,
            )
        )
        self._statuses.report(
            Receipt(
                phone_number_id=phone_number_id,
                message_id=message_id,
                number=customer.number,
                user_id=customer.user_id,
                callback_data=message.callback_data,
                at=call.at,
            )
        )

    def _accepted(self, contact: JsonValue, message_id: str) -> Reply:
        return Reply(
            200,
            {
                "messaging_product": "whatsapp",
                "contacts": [contact],
                "messages": [{"id": message_id}],
            },
        )

    def _new_id(self) -> str:
        content = f"{self._run}-{next(self._ids):012}".encode()
        return f"wamid.{b64encode(content).decode()}"
