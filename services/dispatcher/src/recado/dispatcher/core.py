"""The core put together, from what it stands on to the handlers; no framework in it."""

from datetime import UTC, datetime
from uuid import uuid4

from recado.channels.registry import CHANNELS
from recado.dispatcher.attempts import Attempts
from recado.dispatcher.attending import Attention
from recado.dispatcher.handlers import Handlers
from recado.dispatcher.ledger import KEPT, Ledger
from recado.dispatcher.parts import Parts
from recado.dispatcher.ports import Documents, Senders
from recado.dispatcher.recording import Recording
from recado.dispatcher.sending import Publish, Sending
from recado.dispatcher.settings import DispatcherSettings
from recado.dispatcher.statuses import Statuses
from recado.dispatcher.stopped import Stopped
from recado.dispatcher.throttling import Throttle


def build(
    settings: DispatcherSettings,
    documents: Documents,
    senders: Senders,
    publish: Publish,
    throttle: Throttle,
    stopped: Stopped,
    attention: Attention,
) -> Handlers:
    """The handlers of one process run."""
    ledger = Ledger(documents, now, owner=uuid4().hex)
    recording = Recording(
        documents,
        webhooks_kept=settings.webhooks_kept,
        closes_after=settings.conversation_closes_after,
    )
    statuses = Statuses(documents, now, kept=KEPT)
    parts = Parts(
        ledger,
        Attempts(now),
        now,
        settings.timing(),
        settings.when_uncertain(),
        throttle,
        stopped,
    )
    sending = Sending(
        documents=documents,
        ledger=ledger,
        parts=parts,
        recording=recording,
        statuses=statuses,
        channels=CHANNELS,
        senders=senders,
        publish=publish,
        clock=now,
    )
    return Handlers(sending, recording, statuses, documents, throttle, attention, now)


def now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)
