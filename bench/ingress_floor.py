"""The floor of ingress: a bare Starlette endpoint that makes the same acknowledged writes.

It verifies nothing and reads nothing of the body. For each request it writes records of given
topics, keys, values and headers (those that ingress wrote for such a request, made unique), with
the same producer settings, and answers when Kafka has acknowledged all.

`python -m bench.ingress_floor --port P --bootstrap ADDRESS --records FILE`
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

import uvicorn
from aiokafka import AIOKafkaProducer
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bench.http_load import PATH
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


def create_app(bootstrap: str, samples: "Sequence[Sample]") -> Starlette:
    """The endpoint."""
    producers: list[AIOKafkaProducer] = []

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> "AsyncIterator[None]":
        producer = AIOKafkaProducer(
            bootstrap_servers=bootstrap,
            acks="all",
            enable_idempotence=True,
            compression_type=COMPRESSION,
            max_request_size=MAX_REQUEST_BYTES,
        )
        await producer.start()
        producers.append(producer)
        yield
        await producer.stop()

    async def receive(request: "Request") -> Response:
        await request.body()
        (producer,) = producers
        key = str(uuid4()).encode()
        futures = [
            await producer.send(one.topic, one.unique(key), key=key, headers=list(one.headers))
            for one in samples
        ]
        await asyncio.gather(*futures)
        return JSONResponse({"status": "accepted"})

    return Starlette(routes=[Route(PATH, receive, methods=["POST"])], lifespan=lifespan)


def main() -> int:
    """Serve until stopped."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--records", type=Path, required=True)
    given = parser.parse_args()
    uvicorn.run(
        create_app(given.bootstrap, load(given.records.read_text())),
        host="127.0.0.1",
        port=given.port,
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
