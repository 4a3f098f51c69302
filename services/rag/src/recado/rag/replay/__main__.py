"""The process of a replay: cases on standard input, outcomes on standard output, in their order.

Its one argument is the `Order`. It ends with the input. What keeps it from replaying at all is a
sentence on standard error and the status 1, or 78 for settings that are wrong.
"""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator

from pydantic import ValidationError

from recado.knowledge.errors import KnowledgeError
from recado.rag.replay.cases import Case, Order, Outcome
from recado.rag.replay.replaying import CannotReplay, replay_all, replayer
from recado.rag.settings import RagSettings
from recado.servicekit import logs
from recado.servicekit.settings import EXIT_MISCONFIGURED, explain


def main() -> None:
    """Replay what comes."""
    # Ctrl-C is for whoever started this: it ends the input, or this process.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logs.configure("replay", "CRITICAL", "console")
    order = Order.model_validate_json(sys.argv[1])
    try:
        # This process reads no topic: what is set for Kafka may need what it is not given.
        settings = RagSettings(
            _env_file=order.environment_file, kafka_security_protocol="PLAINTEXT"
        )
    except ValidationError as invalid:
        sys.stderr.write("\n".join(explain(invalid)) + "\n")
        sys.exit(EXIT_MISCONFIGURED)
    try:
        asyncio.run(_replay(settings, order))
    except (CannotReplay, KnowledgeError) as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(1)


async def _replay(settings: RagSettings, order: Order) -> None:
    # Outcomes have the output for themselves: what a library prints goes to standard error.
    with os.fdopen(os.dup(sys.stdout.fileno()), "wb") as outcomes:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

        def write(outcome: Outcome) -> None:
            outcomes.write(outcome.model_dump_json().encode() + b"\n")
            outcomes.flush()

        async with replayer(settings, order.variation) as ready:
            await replay_all(ready, _cases(), order.concurrency, write)


async def _cases() -> AsyncIterator[Case]:
    while line := await asyncio.to_thread(sys.stdin.buffer.readline):
        yield Case.model_validate_json(line)


if __name__ == "__main__":
    main()
