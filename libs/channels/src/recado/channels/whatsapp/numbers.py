"""The business numbers that a webhook may be for, as it names them."""

from collections.abc import Sequence
from typing import final

from recado.channels.contract import Integration
from recado.channels.lookups import Lookups, by_secret
from recado.channels.whatsapp.settings import WhatsAppIntegration


@final
class Numbers:
    """Some of the integrations. One app may have thousands of numbers, and one secret."""

    def __init__(self, integrations: Sequence[Integration]) -> None:
        self.all = of_whatsapp(integrations)
        self.by_secret = by_secret(self.all, WhatsAppIntegration.signing_secrets)
        """By what a webhook is signed with."""
        self.by_id = {one.phone_number_id: one for one in reversed(self.all)}
        """By Meta's id of the number; the first where two have the same."""


NUMBERS = Lookups(Numbers)


def of_whatsapp(integrations: Sequence[Integration]) -> tuple[WhatsAppIntegration, ...]:
    """The same, known to be WhatsApp's. Raises `TypeError` where one is not."""
    mine = tuple(one for one in integrations if isinstance(one, WhatsAppIntegration))
    if len(mine) != len(integrations):
        raise TypeError("an integration of another platform")
    return mine
