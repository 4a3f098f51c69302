"""Errors of the Gemini API, in the shape that all Google APIs share.

Source: ai.google.dev/gemini-api/docs/troubleshooting (codes and statuses), google.rpc.Status and
google.rpc.ErrorInfo, RetryInfo, QuotaFailure (details).
"""

from datetime import timedelta

from pydantic import JsonValue

from recado.devstack.standins.calls import Reply

_SERVICE = "generativelanguage.googleapis.com"

_QUOTAS = {
    "generate_content": "GenerateRequestsPerMinutePerProjectPerModel",
    "embed_content": "EmbedContentRequestsPerMinutePerProjectPerModel",
}

_STATUSES = {
    400: "INVALID_ARGUMENT",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


def error_reply(code: int, message: str, details: list[JsonValue] | None = None) -> Reply:
    """An error with its status; details only where there are some."""
    error: dict[str, JsonValue] = {
        "code": code,
        "message": message,
        "status": _STATUSES.get(code, "INTERNAL"),
    }
    if details:
        error["details"] = details
    return Reply(code, {"error": error}, refusal=message)


def key_missing() -> Reply:
    """403: no key came with the request."""
    return error_reply(
        403,
        "Method doesn't allow unregistered callers (callers without established identity). Please"
        " use API Key or other form of API consumer identity to call this API.",
    )


def key_invalid() -> Reply:
    """400, not 401: the key is not one that exists."""
    return error_reply(
        400,
        "API key not valid. Please pass a valid API key.",
        [
            {
                "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                "reason": "API_KEY_INVALID",
                "domain": "googleapis.com",
                "metadata": {"service": _SERVICE},
            }
        ],
    )


def model_unknown(model: str, version: str, method: str) -> Reply:
    """404: no such model, or it does not do what is asked."""
    return error_reply(
        404,
        f"models/{model} is not found for API version {version}, or is not supported for"
        f" {method}. Call ListModels to see the list of available models and their supported"
        " methods.",
    )


def quota_exceeded(retry_after: timedelta, model: str, method: str) -> Reply:
    """429 with RetryInfo, which says how long to wait."""
    seconds = f"{retry_after.total_seconds():g}s"
    asked = "embed_content" if "mbed" in method else "generate_content"
    return error_reply(
        429,
        "You exceeded your current quota, please check your plan and billing details. Please retry"
        f" in {seconds}.",
        [
            {
                "@type": "type.googleapis.com/google.rpc.QuotaFailure",
                "violations": [
                    {
                        "quotaMetric": f"{_SERVICE}/{asked}_requests",
                        "quotaId": _QUOTAS[asked],
                        "quotaDimensions": {"location": "global", "model": model},
                    }
                ],
            },
            {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": seconds},
        ],
    )


def broken(status: int) -> Reply:
    """500 or 503 in the API's own words; another status with a plain text."""
    messages = {
        500: "An internal error has occurred. Please retry or report in"
        " https://developers.generativeai.google/guide/troubleshooting",
        503: "The model is overloaded. Please try again later.",
        504: "Deadline expired before operation could complete.",
    }
    return error_reply(status, messages.get(status, "The service is broken."))
