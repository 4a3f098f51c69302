"""A broken token, a long answer, and the reasons why answers were not delivered."""

from recado.schemas.deliveries import NotDeliveredReason
from recado.schemas.events import AnswerNotDelivered
from recado.schemas.webhooks import PlatformError
from support.dispatching import World

BROKEN = PlatformError(code=190, title="token")
LONG = "\n\n".join(letter * 3000 for letter in "abc")
"""Three parts on WhatsApp."""


def reasons(world: World) -> list[NotDeliveredReason]:
    return [event.reason for event in world.published if isinstance(event, AnswerNotDelivered)]
