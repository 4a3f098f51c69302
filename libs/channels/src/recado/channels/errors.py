"""The errors of this library.

ChannelError
├── InvalidIntegrations   the integrations file can't be used; names file, line and key
├── MisnamedChannel       a channel's folder has another name than its platform
├── NotAuthentic          a webhook request that the platform did not send (401, handshake 403)
├── NotSupported          the platform has no such thing (405)
├── Unreadable            an authentic body that is not what the platform documents
├── CallFailed            an administrative call was refused by the platform
└── SendError             a part was not sent, or nobody knows
    ├── RetryLater        nothing was sent; the same part may be sent again, later
    │   └── Unclassified  for a reason that we have no name for: a few times, then it is refused
    ├── ChatMoved         nothing was sent; the chat goes on under another id
    ├── Refused           nothing was sent, and sending it again gives the same answer
    ├── SenderStopped     nothing was sent, nor will anything be: token or account is broken
    └── ResultUnknown     the request went out, no usable answer came: it may have been sent

No message of these errors holds a token, a secret, a signature, a customer's words or number.
"""

from datetime import timedelta

from recado.schemas.deliveries import NotDeliveredReason
from recado.schemas.webhooks import PlatformError


class ChannelError(Exception):
    """Anything that this library raises on purpose."""


class InvalidIntegrations(ChannelError):
    """The integrations file can't be used. `problems` has a line for each thing to mend."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class MisnamedChannel(ChannelError):
    """A channel's folder has another name than its platform."""

    def __init__(self, folder: str, platform: str) -> None:
        super().__init__(f"the folder {folder} holds the channel of {platform}")
        self.folder = folder
        self.platform = platform


class NotAuthentic(ChannelError):
    """The request does not prove that the platform sent it. Says why, never what was expected."""


class NotSupported(ChannelError):
    """The platform, or this integration as it is configured, can't do that."""


class Unreadable(ChannelError):
    """The body is not what the platform documents. Carries no part of it."""


class CallFailed(ChannelError):
    """The platform refused an administrative call."""

    def __init__(self, error: PlatformError) -> None:
        super().__init__(_in_words(error))
        self.error = error


class SendError(ChannelError):
    """A part was not sent, or it is not known whether it was."""


class RetryLater(SendError):
    """Nothing was sent. The same part may be sent again after `retry_after`.

    `retry_after` is None where the platform names no time; `code` is the platform's code, the HTTP
    status, or None where no connection came about.
    """

    def __init__(
        self,
        message: str,
        *,
        retry_after: timedelta | None = None,
        code: int | str | None = None,
        too_fast: bool = False,
        chat_only: bool = False,
    ) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.code = code
        self.too_fast = too_fast
        """The integration as a whole sends faster than the platform takes it."""
        self.chat_only = chat_only
        """Too much was sent to this one chat: longer waits each time, nobody else is meant."""


class Unclassified(RetryLater):
    """The platform refused, with a code that nobody has told us the meaning of.

    It may pass. Where it comes again and again it is a refusal, and `error` says which.
    """

    def __init__(self, error: PlatformError) -> None:
        super().__init__(f"unknown error {error.code}", code=error.code)
        self.error = error


class ChatMoved(SendError):
    """The chat has another id from now on. Nothing was sent: send it to `chat`."""

    def __init__(self, chat: str) -> None:
        super().__init__("the chat goes on under another id")
        self.chat = chat


class Refused(SendError):
    """The platform refused this message for good."""

    def __init__(self, reason: NotDeliveredReason, error: PlatformError) -> None:
        super().__init__(f"{reason.value}: {_in_words(error)}")
        self.reason = reason
        self.error = error


class SenderStopped(SendError):
    """No message of this integration will be taken: an alarm, and no reason to try on."""

    def __init__(self, integration: str, error: PlatformError) -> None:
        super().__init__(f"{integration}: {_in_words(error)}")
        self.integration = integration
        self.error = error


class ResultUnknown(SendError):
    """Bytes of the request went out and no usable answer came. Only the platform knows."""

    def __init__(self, cause: str) -> None:
        super().__init__(f"it is not known what became of the request: {cause}")
        self.cause = cause


def _in_words(error: PlatformError) -> str:
    words = [word for word in (error.title, error.message) if word]
    return f"{error.code} {': '.join(words)}".rstrip()
