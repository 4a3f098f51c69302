"""Changes of the business's account: any `field` of a change but `messages`.

Templates and their quality, the number's quality and name, alerts, security, user preferences and
whatever Meta adds (Meta, webhooks/reference). They become part of the webhook's record.
"""

from collections.abc import Sequence

from recado.channels.payload import JsonObject, identifier_in, moment_in, object_in, text_in
from recado.channels.whatsapp.errors import errors_in
from recado.channels.whatsapp.settings import WhatsAppIntegration
from recado.schemas.webhooks import AccountChange

MAX_FIELD_LENGTH = 64
MAX_ACCOUNT_CHANGES = 100
"""Told of one post, which may carry 1,000 updates. The payload has all of them."""

_EVENTS = ("event", "decision", "alert_type")
"""What became of a template or an account, of a name or a review, and what an alert is about."""


def account_change(
    entry: JsonObject,
    change: JsonObject,
    field: str,
    integrations: Sequence[WhatsAppIntegration],
) -> AccountChange:
    """What changed, and for which of the integrations where that can be told."""
    value = object_in(change, "value") or {}
    event = next((said for name in _EVENTS if (said := text_in(value, name))), None)
    if event is None and (errors := errors_in(value)):
        event = str(errors[0].code)
    mine = _integration(entry, value, integrations)
    return AccountChange(
        type=field[:MAX_FIELD_LENGTH],
        event=None if event is None else event[:MAX_FIELD_LENGTH],
        account=identifier_in(entry, "id"),
        integration=None if mine is None else mine.name,
        changed_at=moment_in(entry, "time"),
    )


def _integration(
    entry: JsonObject, value: JsonObject, integrations: Sequence[WhatsAppIntegration]
) -> WhatsAppIntegration | None:
    """By the number's id, else by the account's, else the only one that it can be for."""
    number_id = identifier_in(object_in(value, "metadata"), "phone_number_id")
    if number_id is not None:
        return next((one for one in integrations if one.phone_number_id == number_id), None)
    account = identifier_in(entry, "id")
    # An integration that does not say which account it is of may be of this one.
    may_be = [one for one in integrations if one.business_account_id in {None, account}]
    named = [one for one in may_be if one.business_account_id is not None]
    candidates = named or may_be
    return candidates[0] if len(candidates) == 1 else None
