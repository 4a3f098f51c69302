"""What can go wrong while an answer is made, by what is done about it.

    RagError
    ├── ModelError              the model gave nothing that can be used: one rung down
    │   ├── ModelUnavailable    down, slow, or not talking JSON; retried until the deadline
    │   ├── ModelQuota          out of quota for longer than an answer can wait
    │   ├── ModelRefused        blocked, cut off or empty: the same prompt would fare no better
    │   └── ModelMisconfigured  the key, the model's name or the account: an operator must mend it
    ├── HistoryUnavailable      MongoDB is away: the answer is made without what was said before
    └── OptedOut                the customer wants no automatic answer

No message holds a key, a prompt or a text of the model.
"""

from datetime import timedelta


class RagError(Exception):
    """Anything that this service raises on purpose while it makes an answer."""


class ModelError(RagError):
    """The model gave nothing that can be used."""


class ModelUnavailable(ModelError):
    """It could not be reached, broke, or did not answer before the deadline."""

    def __init__(self, message: str, retry_after: timedelta | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ModelQuota(ModelError):
    """It asks to wait longer than there is time for, or the attempts are used up.

    `lasting`: the quota is one of a whole day, so that no wait of this answer would do.
    """

    def __init__(self, retry_after: timedelta | None = None, *, lasting: bool = False) -> None:
        super().__init__("the model's quota is used up" + (" for the day" if lasting else ""))
        self.retry_after = retry_after
        self.lasting = lasting


class ModelRefused(ModelError):
    """It was reached and gave no whole answer. `reason` is its own word, such as `SAFETY`."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the model refused: {reason}")
        self.reason = reason


class ModelMisconfigured(ModelError):
    """It refuses this key or does not know this model. `status` is the HTTP status."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(f"the model's configuration is refused: {status} {reason}")
        self.status = status
        self.reason = reason


class HistoryUnavailable(RagError):
    """The conversation's document could not be read in time."""


class OptedOut(RagError):
    """The customer wants no automatic answers (BAJA), and these messages do not take that back."""
