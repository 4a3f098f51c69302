"""What a WhatsApp message stands in: quoted, forwarded, edited, referred by an advertisement.

Fields: Meta, webhooks/reference/messages (`context`, `referral`), groups (`group_id`).
"""

from recado.channels.payload import JsonObject, chat_in, identifier_in, object_in, text_in
from recado.channels.whatsapp.kinds import edited
from recado.schemas.context import Context, Group, Quoted, Referral


def context_of(message: JsonObject, platform_kind: str) -> Context | None:
    """What the message stands in; None where it stands for itself."""
    if _TELLING.isdisjoint(message) and platform_kind not in _CHANGING:
        return None
    inner, _ = edited(message) if platform_kind == "edit" else (message, platform_kind)
    said = object_in(inner or message, "context") or {}
    many_times = said.get("frequently_forwarded") is True
    context = Context(
        quoted=_quoted(said),
        changes=_changed(message, platform_kind),
        forwarded=many_times or said.get("forwarded") is True,
        forwarded_many_times=many_times,
        referral=_referral(message),
        group=None if group_of(message) is None else Group(type="group"),
    )
    return None if context == _NOTHING else context


_NOTHING = Context()
_CHANGING = frozenset({"edit", "revoke"})
_TELLING = frozenset({"context", "referral", "group_id"})
"""Without any of these a message stands for itself: most do, and cost nothing here."""


def group_of(message: JsonObject) -> str | None:
    """The group that it was written in."""
    return chat_in(message, "group_id")


def answers_us(message: JsonObject, metadata: JsonObject | None) -> bool:
    """Whether it quotes a message of the business: then `context.from` is the business's number."""
    author = identifier_in(object_in(message, "context"), "from")
    our_number = identifier_in(metadata, "display_phone_number")
    return author is not None and our_number is not None and author == our_number.lstrip("+")


def _quoted(said: JsonObject) -> Quoted | None:
    product = object_in(said, "referred_product")
    quoted = Quoted(
        message_id=identifier_in(said, "id"),
        user_id=identifier_in(said, "from"),
        product_id=text_in(product, "product_retailer_id"),
        catalog_id=identifier_in(product, "catalog_id"),
    )
    return quoted if quoted.message_id or quoted.product_id else None


def _changed(message: JsonObject, platform_kind: str) -> tuple[str, ...]:
    if platform_kind not in _CHANGING:
        return ()
    original = identifier_in(object_in(message, platform_kind), "original_message_id")
    return () if original is None else (original,)


def _referral(message: JsonObject) -> Referral | None:
    part = object_in(message, "referral")
    if part is None:
        return None
    return Referral(
        source=text_in(part, "source_type"),
        source_id=identifier_in(part, "source_id"),
        headline=text_in(part, "headline"),
        body=text_in(part, "body"),
        url=text_in(part, "source_url"),
        media_type=text_in(part, "media_type"),
        click_id=identifier_in(part, "ctwa_clid"),
    )
