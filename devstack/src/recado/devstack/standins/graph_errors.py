"""Errors of the Graph API as WhatsApp's senders meet them, each with where it comes from.

"MD/" stands for Meta's developer documents on business messaging / WhatsApp. Codes and titles are
those of MD/support/error-codes, which advises to go by the code, not by the HTTP status: those
statuses that the table does not give are 400 here. `error_subcode` is not sent since v16.
"""

from dataclasses import dataclass

from pydantic import JsonValue

from recado.devstack.standins.calls import Reply


@dataclass(frozen=True, slots=True)
class GraphError:
    """An error: HTTP status, Graph error code, title, type, and details where there are some."""

    status: int
    code: int
    title: str
    type: str = "OAuthException"
    details: str | None = None

    def reply(self, details: str | None = None) -> Reply:
        """The error as the Graph API answers it."""
        told = details if details is not None else self.details
        prefix = "" if self.code in _PLAIN else f"(#{self.code}) "
        error: dict[str, JsonValue] = {
            "message": f"{prefix}{self.title}",
            "type": self.type,
            "code": self.code,
            "fbtrace_id": "AStandInHasNoTrace",
        }
        if told is not None:
            error["error_data"] = {"messaging_product": "whatsapp", "details": told}
        return Reply(self.status, {"error": error}, refusal=f"{self.code}: {told or self.title}")


# These codes are the Graph API's own; their messages carry no "(#code)".
_PLAIN = frozenset({190, 2500})


def invalid_parameter(message: str) -> GraphError:
    """100: the request's shape is wrong; names the parameter (MD/support/error-codes)."""
    return GraphError(400, 100, message)


# MD/support/error-codes, "Authorization errors": 401.
INVALID_TOKEN = GraphError(401, 190, "Invalid OAuth access token - Cannot parse access token")

# Graph API reference, "Handling errors"; the same for an id that is not the token's to use.
UNKNOWN_PHONE_NUMBER = GraphError(
    400,
    100,
    "Unsupported post request. Object with this ID does not exist, cannot be loaded due to missing"
    " permissions, or does not support this operation.",
    "GraphMethodException",
)
UNKNOWN_PATH = GraphError(400, 2500, "Unknown path components")
WRONG_METHOD = GraphError(400, 100, "Unsupported get request.", "GraphMethodException")

# Graph API changelog: v20.0 ended 2026-09-24. What a call to an ended version meets differs by
# product (some are moved on to the oldest version in silence). The stand-in refuses, with the code
# of Meta's Marketing API, so that a stale setting is seen at once.
RETIRED_VERSION = GraphError(400, 2635, "You are calling a deprecated version of the API.")

# MD/support/error-codes.
RECIPIENT_NOT_ALLOWED = GraphError(
    400,
    131030,
    "Recipient phone number not in allowed list",
    details="Recipient phone number not in allowed list: Add recipient phone number to recipient"
    " list and try again.",
)
# MD/messages/send-messages, "customer service windows".
WINDOW_CLOSED = GraphError(
    400,
    131047,
    "Re-engagement message",
    details="Message failed to send because more than 24 hours have passed since the customer last"
    " replied to this number.",
)
UNSUPPORTED_TYPE = GraphError(
    400, 131051, "Unsupported message type", details="The stand-in takes text messages only."
)

# What a platform that is told to be rate-limited may answer (MD/support/error-codes, "Throttling
# errors"; MD/throughput; MD/overview for the pair rate).
RATE_LIMITS = {
    error.code: error
    for error in (
        GraphError(429, 4, "Application request limit reached"),
        GraphError(429, 80007, "Rate limit issues"),
        GraphError(
            429,
            130429,
            "Rate limit hit",
            details="Message failed to send because there were too many messages sent from this"
            " phone number in a short period of time",
        ),
        GraphError(
            400,
            131056,
            "(Business Account, Consumer Account) pair rate limit hit",
            details="Message failed to send because there were too many messages sent from this"
            " phone number to the same phone number in a short period of time.",
        ),
    )
}

BROKEN = GraphError(500, 131000, "Something went wrong", details="Something went wrong.")
OVERLOADED = GraphError(
    503, 131016, "Service unavailable", details="A service is temporarily unavailable."
)
