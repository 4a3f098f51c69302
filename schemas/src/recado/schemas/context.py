"""What a message stands in: what it quotes or changes, where it comes from, in which group."""

from pydantic import Field

from recado.schemas.base import Model


class Quoted(Model):
    """The message that this one answers."""

    message_id: str | None = None
    user_id: str | None = Field(default=None, description="Who wrote it, as the platform says")
    text: str | None = Field(default=None, description="Its words, where the platform repeats them")
    product_id: str | None = Field(default=None, description="The product that is asked about")
    catalog_id: str | None = None


class Referral(Model):
    """The advertisement or post that the customer came from."""

    source: str | None = Field(default=None, description="ad, post …")
    source_id: str | None = None
    headline: str | None = None
    body: str | None = None
    url: str | None = None
    media_type: str | None = None
    click_id: str | None = None


class Group(Model):
    """The chat of several people that it was written in; `reply_to.chat` is its id."""

    type: str = Field(description="The platform's name of it: group, supergroup, channel")
    title: str | None = None


class Context(Model):
    """All that a message stands in."""

    quoted: Quoted | None = None
    changes: tuple[str, ...] = Field(
        default=(), description="The platform's ids of the messages that it edits or takes back"
    )
    forwarded: bool = False
    forwarded_many_times: bool = False
    referral: Referral | None = None
    group: Group | None = None
    album: str | None = Field(
        default=None, description="The same for messages that were sent as one album"
    )
    by_business: bool = Field(
        default=False, description="The business wrote it, from its own account, not the customer"
    )
