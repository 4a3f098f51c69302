"""What one writes first: a FastAPI route that checks the signature and makes one write.

`--body raw` parses with orjson and writes the body as it came; `--body pydantic` has FastAPI parse
it into models and writes what they make of it. Neither looks at more than a post's first message,
remembers repeats, or bounds anything. The write is floor A's: `acks=all`, else aiokafka's defaults.

`python -m bench.ingress_fastapi --port P --bootstrap ADDRESS --topic TOPIC --body raw|pydantic`
"""

import argparse
import hashlib
import hmac
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import orjson
from aiokafka import AIOKafkaProducer
from fastapi import FastAPI, HTTPException, Request
from pydantic import BaseModel, Field

from bench.ingress_requests import PATH, SECRET
from bench.ingress_uvicorn import serve


class Text(BaseModel):
    """A text."""

    body: str


class Message(BaseModel):
    """A customer's message."""

    sender: str = Field(alias="from")
    id: str
    timestamp: str
    type: str
    text: Text | None = None


class Profile(BaseModel):
    """Who a contact is."""

    name: str


class Contact(BaseModel):
    """Who wrote."""

    profile: Profile
    wa_id: str


class Metadata(BaseModel):
    """The number that was written to."""

    display_phone_number: str
    phone_number_id: str


class Value(BaseModel):
    """What a change is about."""

    messaging_product: str
    metadata: Metadata
    contacts: list[Contact] = []
    messages: list[Message] = []


class Change(BaseModel):
    """What changed."""

    field: str
    value: Value


class Entry(BaseModel):
    """An account's changes."""

    id: str
    changes: list[Change]


class Post(BaseModel):
    """What Meta posts."""

    object: str
    entry: list[Entry]


def create_app(bootstrap: str, topic: str, body: str) -> FastAPI:
    """The application with its one route."""
    producers: list[AIOKafkaProducer] = []

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all") as producer:
            producers.append(producer)
            yield

    app = FastAPI(lifespan=lifespan)

    async def write(key: str, value: bytes) -> None:
        (producer,) = producers
        await producer.send_and_wait(topic, value, key=key.encode())

    async def raw(request: Request) -> dict[str, str]:
        given = await request.body()
        check(request, given)
        parsed = orjson.loads(given)
        await write(parsed["entry"][0]["changes"][0]["value"]["messages"][0]["from"], given)
        return {"status": "accepted"}

    async def pydantic(request: Request, post: Post) -> dict[str, str]:
        check(request, await request.body())
        sender = post.entry[0].changes[0].value.messages[0].sender
        await write(sender, post.model_dump_json(by_alias=True).encode())
        return {"status": "accepted"}

    app.post(PATH)(raw if body == "raw" else pydantic)
    return app


def check(request: Request, body: bytes) -> None:
    """401 unless Meta signed it."""
    expected = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    given = request.headers.get("x-hub-signature-256", "").removeprefix("sha256=")
    if not hmac.compare_digest(given.encode(), expected.encode()):
        raise HTTPException(401)


def main() -> int:
    """Serve until stopped."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--topic", required=True)
    parser.add_argument("--body", choices=("raw", "pydantic"), required=True)
    given = parser.parse_args()
    serve(
        create_app(given.bootstrap, given.topic, given.body),
        given.port,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
