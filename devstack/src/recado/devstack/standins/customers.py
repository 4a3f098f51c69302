"""The customers that the platforms know, and what a message of theirs opens.

A WhatsApp customer is known by number, by user id (BSUID) or by both. The 24-hour customer-service
window restarts with each message of the customer; the stand-in hears of those through the control
API only.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

# Meta's developer documents, WhatsApp: messages/send-messages, "customer service windows".
CUSTOMER_SERVICE_WINDOW = timedelta(hours=24)


class WhatsAppCustomer(BaseModel):
    """A person on WhatsApp. Without `last_message_at` the moment of registration counts as such."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    platform: Literal["whatsapp"] = "whatsapp"
    number: str | None = Field(default=None, pattern=r"^\d{5,20}$")
    user_id: str | None = Field(default=None, pattern=r"^[A-Z]{2}\.[A-Za-z0-9]{1,128}$")
    name: str = "Cliente"
    last_message_at: AwareDatetime | None = None
    window_stays_open: bool = False

    @model_validator(mode="after")
    def _can_be_addressed(self) -> Self:
        if self.number is None and self.user_id is None:
            raise ValueError("a WhatsApp customer has a number, a user_id or both")
        return self


class TelegramCustomer(BaseModel):
    """A chat that the bots can write to, or could until they were blocked or it migrated."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    platform: Literal["telegram"] = "telegram"
    chat: int
    kind: Literal["private", "group", "supergroup"] = "private"
    name: str = "Cliente"
    threads: tuple[int, ...] = ()
    blocked: bool = False
    migrated_to: int | None = None


Customer = Annotated[WhatsAppCustomer | TelegramCustomer, Field(discriminator="platform")]


class Customers:
    """Who is known. Adding a customer again replaces what was known of them."""

    def __init__(self, known: Iterable[Customer], *, now: datetime) -> None:
        self._initial = tuple(known)
        self._numbers: dict[str, WhatsAppCustomer] = {}
        self._user_ids: dict[str, WhatsAppCustomer] = {}
        self._chats: dict[int, TelegramCustomer] = {}
        self.reset(now=now)

    def add(self, customer: Customer, *, now: datetime) -> None:
        """Make a customer known; a WhatsApp customer's window opens at their last message."""
        if isinstance(customer, TelegramCustomer):
            self._chats[customer.chat] = customer
            return
        if customer.last_message_at is None:
            customer = customer.model_copy(update={"last_message_at": now})
        if customer.number is not None:
            self._numbers[customer.number] = customer
        if customer.user_id is not None:
            self._user_ids[customer.user_id] = customer

    def reset(self, *, now: datetime) -> None:
        """Know again only those known from the start, with their windows opened anew."""
        self._numbers.clear()
        self._user_ids.clear()
        self._chats.clear()
        for customer in self._initial:
            self.add(customer, now=now)

    def by_number(self, number: str) -> WhatsAppCustomer | None:
        """The WhatsApp customer with that number, digits only."""
        return self._numbers.get(number)

    def by_user_id(self, user_id: str) -> WhatsAppCustomer | None:
        """The WhatsApp customer with that business-scoped user id."""
        return self._user_ids.get(user_id)

    def by_chat(self, chat: int) -> TelegramCustomer | None:
        """The Telegram chat with that id."""
        return self._chats.get(chat)

    def __len__(self) -> int:
        people = {id(customer) for customer in (*self._numbers.values(), *self._user_ids.values())}
        return len(people) + len(self._chats)


def window_is_open(customer: WhatsAppCustomer, *, now: datetime) -> bool:
    """Whether a message that is not a template may be sent to them now."""
    if customer.window_stays_open:
        return True
    last = customer.last_message_at
    return last is not None and now - last < CUSTOMER_SERVICE_WINDOW
