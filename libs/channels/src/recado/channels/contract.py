"""What a channel is: the one contract between Recado and a messaging platform.

A channel has no state. It is asked about one request or one part at a time, and is given the
integrations (the configured accounts) that may be meant.

In the order of a message's life:
1. `authenticate` the raw request: nothing of an unauthentic body is ever parsed;
2. `parse` it into events, all of them, none costing another;
3. `format` the answer into parts that fit the platform;
4. `sender(...).send` each part.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, NamedTuple, Protocol, runtime_checkable
from uuid import UUID

import httpx
from pydantic import BaseModel, ConfigDict, Field, IPvAnyNetwork

from recado.schemas.base import Model, PlatformName
from recado.schemas.conversations import ReplyTo
from recado.schemas.deliveries import Template
from recado.schemas.webhooks import AccountChange, MessageReceived, StatusReported

NOT_NAMED = "(not named)"
"""Stands in `ParsedWebhook.unknown_integrations` for a part that names no account at all."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How fast a platform lets an integration send to a chat. By default as fast as it can."""

    per_second: float | None = None
    """Messages of the integration, to whomever they go."""
    counts_received: bool = False
    """Whether messages that come in count there, too."""
    chat_interval: timedelta | None = None
    """Between two messages to this chat, in the long run."""
    chat_burst: int = 1
    """So many to it at once where there was as long a silence."""


class Integration(BaseModel):
    """A configured account on a platform. Each channel has its own subclass with credentials.

    Credentials are `SecretStr`: neither `repr` nor an error shows them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")]
    """Unique on its platform. Part of the webhook's path and of conversation keys."""
    platform: PlatformName
    """The folder's name."""
    enabled: bool = True
    development: bool = False
    """Take unsigned requests from loopback. A wrong signature is refused all the same."""
    allowed_networks: tuple[IPvAnyNetwork, ...] = ()
    """Where webhooks may come from, as `192.0.2.0/24`; from anywhere if none is named."""
    requests_per_second: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """So many authentic webhooks a process takes in the long run; any number if none is named."""
    requests_burst: Annotated[int, Field(gt=0)] = 100
    """So many at once where there is a rate."""

    def distinguishing(self) -> tuple[tuple[str, str], ...]:
        """Keys and values that choose this integration where the path names none.

        No other enabled integration of the platform may have the same. The values may be secrets.
        """
        return ()

    def limits(self, reply_to: ReplyTo) -> Limits:
        """How fast messages may be sent to this address."""
        del reply_to
        return Limits()

    @property
    def reply_window(self) -> timedelta | None:
        """For so long after the customer wrote the platform takes what `Channel.format` makes.

        None: always.
        """
        return None

    def format_outside_window(self, text: str) -> tuple["Part", ...]:
        """The answer as the platform takes it later than that; empty where it can't be sent then.

        Each part has a template. The same text always gives the same parts.
        """
        del text
        return ()


@dataclass(frozen=True, slots=True)
class WebhookRequest:
    """A webhook request as it came in."""

    headers: Mapping[str, str]
    """Names in lower case."""
    query: Mapping[str, str]
    body: bytes
    """Raw, as signed."""
    client_host: str
    """The peer's IP address; empty where it is not known."""


class ParsedWebhook(NamedTuple):  # one for each webhook; a frozen dataclass takes twice as long
    """What was in a webhook's body."""

    event_type: str
    """`message` and `status` (WhatsApp), the update's kind (Telegram), an account-level field."""
    messages: tuple[MessageReceived, ...] = ()
    """In the body's order."""
    statuses: tuple[StatusReported, ...] = ()
    unknown_integrations: tuple[str, ...] = ()
    """Accounts named in the body that are not configured; their messages are not in `messages`.

    Of many only the first are there."""
    problems: tuple[str, ...] = ()
    """Parts that were skipped, each by its place and what is wrong. Quotes nothing of the body.

    Of many only the first are there, and how many more."""
    integration: str | None = None
    """The integration that all of it is for; None where there is none, or more than one."""
    account_changes: tuple[AccountChange, ...] = ()
    """What is in it about the business's own account. Of many only the first 100 are there."""
    unknown_kinds: tuple[str, ...] = ()
    """Of the parts that were skipped because Recado has no name for their kind, that of the
    platform, as `status_teleported`: one for each. A message of such a kind is in `messages`.

    May be any text of at most 71 characters. Of many only the first 1,000 are there."""


class Entity(Model):
    """A stretch of a part's text in a style, in the platform's own counting.

    Telegram: https://core.telegram.org/bots/api#messageentity (offsets in UTF-16 units).
    """

    type: str
    offset: int = Field(ge=0)
    length: int = Field(ge=1)
    url: str | None = None
    language: str | None = None


class Part(Model):
    """A piece of an answer that the platform takes as one message. The ledger keeps it as JSON."""

    text: str = Field(min_length=1)
    """Where a template carries none of the answer, its name: the words are with the platform."""
    entities: tuple[Entity, ...] = ()
    template: Template | None = None
    """It is sent as this."""


class Sender(Protocol):
    """Sends parts for one integration."""

    async def send(
        self,
        reply_to: ReplyTo,
        part: Part,
        *,
        callback_data: str,
        quoted_message_id: str | None = None,
    ) -> str:
        """Send one part; the platform's id of the message it became.

        `callback_data` comes back in status reports where the platform has such a thing (WhatsApp).
        Raises a `SendError`, which says whether the part may be sent again. The time-outs are those
        of the HTTP client.
        """


@runtime_checkable
class Attentive(Protocol):
    """What a sender may do besides: show the customer that somebody is there.

    Each call is one request at most. It raises a `SendError` where the platform does not take it,
    and nothing depends on it.
    """

    @property
    def typing_lasts(self) -> timedelta:
        """For so long `attend` shows that an answer is being written, if none comes before."""

    async def attend(self, message: MessageReceived) -> None:
        """Mark the message as read and show that an answer is being written, or go on to."""

    async def acknowledge(self, message: MessageReceived) -> None:
        """Take note of a button that was pressed, so that it shows no longer that it waits."""


class Channel(Protocol):
    """A platform: verify, parse, format, send."""

    @property
    def platform(self) -> str:
        """Its name: that of its folder, of the webhook's path, and in conversation keys."""

    @property
    def max_body(self) -> int:
        """The largest webhook body that the platform sends, in bytes."""

    @property
    def reports_delivery(self) -> bool:
        """Whether the callback data of `Sender.send` comes back in status reports.

        Then a send whose result is not known is settled by them.
        """

    @property
    def integration_type(self) -> type[Integration]:
        """The model of this platform's entries in the integrations file."""

    def handshake(self, query: Mapping[str, str], integrations: Sequence[Integration]) -> str:
        """The text to answer to the platform's verification request.

        Raises `NotAuthentic` (403), or `NotSupported` (405) where the platform has no handshake.
        """

    def authenticate(
        self, request: WebhookRequest, integrations: Sequence[Integration]
    ) -> tuple[Integration, ...]:
        """Those of the integrations that the request is authentic for: at least one.

        A request is authentic where its signature or secret is right, compared in constant time; or
        where it has none, comes straight from loopback and the integration is in development mode.
        Raises `NotAuthentic` (401), and nothing else whatever the headers hold.
        """

    def parse(
        self,
        body: bytes,
        integrations: Sequence[Integration],
        *,
        named: Integration | None,
        webhook_id: UUID,
        received_at: datetime,
    ) -> ParsedWebhook:
        """Everything in an authentic body.

        `integrations` are those it is authentic for, `named` the one that the path names. Raises
        `Unreadable` where the body as a whole can't be understood, and nothing else; a malformed
        part is one of `problems`.
        """

    def format(self, text: str) -> tuple[Part, ...]:
        """The answer's small Markdown as parts that fit the platform, in order.

        Never empty for a text that is not blank. The same text always gives the same parts.
        """

    def sender(self, integration: Integration, http: httpx.AsyncClient) -> Sender: ...
