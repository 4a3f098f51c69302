"""The times that sending a part rests on."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class WhenUncertain:
    """What is done on a platform about a part that may have been sent."""

    settled_within: timedelta
    """Wait so long for a status report to settle it; zero where the platform sends none."""
    send_again: bool
    """If nothing has settled it: send it again, a few times at most, or leave it."""


@dataclass(frozen=True, slots=True)
class Timing:
    """The times that the safety of a claim rests on."""

    send_timeout: timedelta
    """A request is given up this long after its claim."""
    claim_skew: timedelta
    """How far the clocks of two dispatchers may be apart."""

    @property
    def takeover_after(self) -> timedelta:
        """From the claim until nobody's request can be under way any more."""
        return self.send_timeout + self.claim_skew

    @property
    def connecting(self) -> timedelta:
        """Getting a connection takes this long at most, and then surely nothing was sent.

        A request is not begun with less left, for what ends by the claim's limit is uncertain.
        """
        return self.send_timeout / 2
