"""The errors of the dispatcher.

DispatcherError
├── StoreUnavailable     MongoDB can't be asked now: wait, nothing is lost
├── StoreRefuses         MongoDB does not take it as it is: only an operator can mend it
├── InvalidDocument      MongoDB's validator refuses what we write: a mistake of ours
├── SendLater            nothing is to be done now; the same answer is to be tried again
│   ├── ResultPending    no failure: what became of a part may become known by itself
│   └── NotItsTurn       no failure: the platform's limits let others go first
└── IntegrationStopped   the platform takes nothing of this integration: wait until it is mended
"""

from datetime import timedelta
from uuid import UUID


class DispatcherError(Exception):
    """Anything that the dispatcher raises on purpose."""


class StoreUnavailable(DispatcherError):
    """MongoDB did not answer, or not in time. A write may or may not have happened."""

    def __init__(self, cause: str) -> None:
        super().__init__(f"MongoDB is not available: {cause}")
        self.cause = cause


class StoreRefuses(DispatcherError):
    """What is there, or what is configured, does not fit. `cause` quotes neither."""

    def __init__(self, cause: str) -> None:
        super().__init__(f"MongoDB refuses: {cause}")
        self.cause = cause


class InvalidDocument(DispatcherError):
    """A document does not have its collection's shape. Which is not said: it may quote a row."""

    def __init__(self) -> None:
        super().__init__("MongoDB refuses a document that has not the shape of its collection")


class SendLater(DispatcherError):
    """The platform did not take the part, and nothing was sent; again after `retry_after`."""

    def __init__(self, answer_id: UUID, retry_after: timedelta, cause: str) -> None:
        super().__init__(f"answer {answer_id} is to be sent later: {cause}")
        self.answer_id = answer_id
        self.retry_after = retry_after


class ResultPending(SendLater):
    """A part may be under way, or reported on: to be looked at again after `retry_after`."""


class NotItsTurn(SendLater):
    """The part is to be taken up after just `retry_after`: then it is nearly its turn."""

    def __init__(self, answer_id: UUID, retry_after: timedelta) -> None:
        super().__init__(answer_id, retry_after, "others go first")


class IntegrationStopped(DispatcherError):
    """Token or account of an integration is broken; its answers wait until their deadline."""

    def __init__(self, integration: str, answer_id: UUID, cause: str) -> None:
        super().__init__(f"{integration} takes nothing, answer {answer_id} waits: {cause}")
        self.integration = integration
        self.answer_id = answer_id
