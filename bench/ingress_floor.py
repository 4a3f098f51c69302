"""The floors of ingress: bare Starlette and aiokafka, which answer when Kafka has acknowledged.

They verify nothing and read nothing of the body. Floor A makes one write: the body as it came,
`acks=all`, else aiokafka's defaults (no idempotence, no compression). Floor B makes the same writes
as ingress: records of given topics, keys, values and headers (those that ingress wrote for such a
request, made unique), with the same producer settings.

`python -m bench.ingress_floor --port P --bootstrap ADDRESS --topic TOPIC`, or `--records FILE`
"""

import argparse
import asyncio
import base64
import json
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from aiokafka import AIOKafkaProducer
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bench.ingress_requests import PATH
from bench.ingress_uvicorn import serve
from recado.servicekit.kafka import COMPRESSION, MAX_REQUEST_BYTES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from starlette.requests import Request


@dataclass(frozen=True, slots=True)
class Sample:
    """A record as ingress wrote it."""

    topic: str
    value: bytes
    headers: tuple[tuple[str, bytes], ...]

    def unique(self, mark: bytes) -> bytes:
        """A value of the same size, with `mark` somewhere in it."""
        return self.value[: -len(mark)] + mark


def dump(samples: "Sequence[Sample]") -> str:
    """The samples as JSON."""
    return json.dumps(
        [
            {
                "topic": one.topic,
                "value": base64.b64encode(one.value).decode(),
                "headers": [[name, value.decode()] for name, value in one.headers],
            }
            for one in samples
        ]
    )


def load(text: str) -> tuple[Sample, ...]:
    """What `dump` gave."""
    return tuple(
        Sample(
            one["topic"],
            base64.b64decode(one["value"]),
            tuple((name, value.encode()) for name, value in one["headers"]),
        )
        for one in json.loads(text)
    )


class Writer:
    """A producer that lives as long as the application."""

    def __init__(self, bootstrap: str, **options: object) -> None:
        self._options = {"bootstrap_servers": bootstrap, "acks": "all", **options}
        self.producer: AIOKafkaProducer

    @asynccontextmanager
    async def lifespan(self, _app: Starlette) -> "AsyncIterator[None]":
        """Made here, for it needs a running loop."""
        async with AIOKafkaProducer(**self._options) as self.producer:
            yield


def one_write(bootstrap: str, topic: str) -> Starlette:
    """Floor A."""
    writer = Writer(bootstrap)

    async def receive(request: "Request") -> Response:
        body = await request.body()
        await writer.producer.send_and_wait(topic, body, key=str(uuid4()).encode())
        return JSONResponse({"status": "accepted"})

    return Starlette(routes=[Route(PATH, receive, methods=["POST"])], lifespan=writer.lifespan)


def same_writes(bootstrap: str, samples: "Sequence[Sample]") -> Starlette:
    """Floor B."""
    writer = Writer(
        bootstrap,
        enable_idempotence=True,
        compression_type=COMPRESSION,
        max_request_size=MAX_REQUEST_BYTES,
    )

    async def receive(request: "Request") -> Response:
        await request.body()
        producer, key = writer.producer, str(uuid4()).encode()
        futures = [
            await producer.send(one.topic, one.unique(key), key=key, headers=list(one.headers))
            for one in samples
        ]
        await asyncio.gather(*futures)
        return JSONResponse({"status": "accepted"})

    return Starlette(routes=[Route(PATH, receive, methods=["POST"])], lifespan=writer.lifespan)


def main() -> int:
    """Serve until stopped."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--bootstrap", required=True)
    writes = parser.add_mutually_exclusive_group(required=True)
    writes.add_argument("--topic")
    writes.add_argument("--records", type=Path)
    given = parser.parse_args()
    serve(
        one_write(given.bootstrap, given.topic)
        if given.topic
        else same_writes(given.bootstrap, load(given.records.read_text())),
        given.port,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
