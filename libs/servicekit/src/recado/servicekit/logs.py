"""Structured logs, one event a line: JSON for machines, colours for people.

Logs carry ids, never what a customer wrote, a telephone number, a token or a secret. As a second
line of defence every value under a key that sounds like one is replaced.
"""

import logging
import sys
from collections.abc import MutableMapping

import structlog

SENSITIVE = ("token", "secret", "password", "authorization", "api_key", "signature")
HIDDEN = "[hidden]"

CHATTY = ("httpx", "httpcore", "httpx2", "httpcore2", "pymongo", "google_genai")
"""Loggers of libraries that only warn here: httpx logs every request with its address at INFO, and
Telegram's address holds the token."""


def hide_secrets(
    _logger: object, _method: str, event: MutableMapping[str, object]
) -> MutableMapping[str, object]:
    """Replace the values of keys that name a secret."""
    for key in event:
        if any(word in key.lower() for word in SENSITIVE) and not key.endswith("_tokens"):
            event[key] = HIDDEN
    return event


def configure(service: str, level: str = "INFO", style: str = "json") -> None:
    """Set up logging for a process; libraries that use `logging` go the same way."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        hide_secrets,
    ]
    renderer: structlog.typing.Processor
    if style == "console":
        renderer = structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(),
            # Rich's, the default where it is installed, shows local variables: tokens and words.
            exception_formatter=structlog.dev.plain_traceback,
        )
    else:
        shared.append(structlog.processors.format_exc_info)
        renderer = structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.contextvars.bind_contextvars(service=service)
