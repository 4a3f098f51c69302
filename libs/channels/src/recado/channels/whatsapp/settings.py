"""A WhatsApp business number in the integrations file."""

import re
from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from recado.channels.contract import Integration, Limits, Part
from recado.channels.credentials import BaseUrl, HeaderSecret, Secret
from recado.channels.whatsapp.template import OutsideWindow
from recado.schemas.base import Platform
from recado.schemas.conversations import ReplyTo

REPLY_WINDOW = timedelta(hours=24)
"""The customer service window: from each message of the customer (Meta, messages/send-messages)."""

PHONE_NUMBER_ID = r"^[0-9]{1,32}$"


def is_phone_number_id(text: str) -> bool:
    """Whether it has the form of Meta's id of a business number."""
    return re.fullmatch(PHONE_NUMBER_ID, text, re.ASCII) is not None


class WhatsAppIntegration(Integration):
    """A business number and the app it belongs to."""

    platform: Literal[Platform.WHATSAPP]
    phone_number_id: Annotated[str, Field(pattern=PHONE_NUMBER_ID)]
    business_account_id: Annotated[str, Field(pattern=PHONE_NUMBER_ID)] | None = None
    """Of the WhatsApp Business Account: tells whose news about an account is, where an app has
    several."""
    access_token: HeaderSecret
    app_secret: Secret | None = None
    """Signs webhooks. May be absent in development mode only: without it anyone could write."""
    app_secrets: tuple[Secret, ...] = ()
    """Further valid secrets, while the app secret is rotated."""
    verify_token: Secret
    verify_tokens: tuple[Secret, ...] = ()
    """Further valid ones, while the verify token is changed."""
    api_base_url: BaseUrl = "https://graph.facebook.com"
    api_version: Annotated[str, Field(pattern=r"^v[0-9]+\.[0-9]+$")] = "v26.0"
    messages_per_second: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 80
    """Of the number, in and out together: 80, or 1,000 when upgraded (Meta, throughput)."""
    pair_interval: Annotated[timedelta, Field(gt=timedelta(0))] = timedelta(seconds=6)
    """Between two messages to one user in the long run (Meta, overview)."""
    pair_burst: Annotated[int, Field(ge=1)] = 45
    """So many to one user at once, borrowed from that (the same)."""
    outside_window: OutsideWindow | None = None
    """What is sent when the customer wrote more than 24 hours ago; without it nothing is."""

    @model_validator(mode="after")
    def _signed_unless_in_development(self) -> Self:
        if not self.signing_secrets() and not self.development:
            raise ValueError(
                "app_secret is missing: webhooks could not be verified "
                "(only an integration with `development: true` may do without)"
            )
        return self

    def signing_secrets(self) -> tuple[bytes, ...]:
        """Every secret that a webhook may be signed with."""
        first = () if self.app_secret is None else (self.app_secret,)
        return tuple(secret.get_secret_value().encode() for secret in (*first, *self.app_secrets))

    def handshake_secrets(self) -> tuple[bytes, ...]:
        """Every verify token that a handshake may carry."""
        valid = (self.verify_token, *self.verify_tokens)
        return tuple(secret.get_secret_value().encode() for secret in valid)

    def limits(self, reply_to: ReplyTo) -> Limits:
        del reply_to
        return Limits(
            per_second=self.messages_per_second,
            counts_received=True,
            chat_interval=self.pair_interval,
            chat_burst=self.pair_burst,
        )

    @property
    def reply_window(self) -> timedelta:
        return REPLY_WINDOW

    def format_outside_window(self, text: str) -> tuple[Part, ...]:
        return () if self.outside_window is None else self.outside_window.format(text)

    def distinguishing(self) -> tuple[tuple[str, str], ...]:
        return (("phone_number_id", self.phone_number_id),)
