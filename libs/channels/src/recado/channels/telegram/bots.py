"""The bots that a webhook may be for."""

from collections.abc import Sequence
from typing import final

from recado.channels.contract import Integration
from recado.channels.lookups import Lookups, by_secret
from recado.channels.telegram.settings import TelegramIntegration


@final
class Bots:
    """Some of the integrations."""

    def __init__(self, integrations: Sequence[Integration]) -> None:
        self.all = of_telegram(integrations)
        self.by_secret = by_secret(self.all, TelegramIntegration.valid_secrets)
        """By the secret that a webhook carries."""


BOTS = Lookups(Bots)


def of_telegram(integrations: Sequence[Integration]) -> tuple[TelegramIntegration, ...]:
    """The same, known to be Telegram's. Raises `TypeError` where one is not."""
    mine = tuple(one for one in integrations if isinstance(one, TelegramIntegration))
    if len(mine) != len(integrations):
        raise TypeError("an integration of another platform")
    return mine
