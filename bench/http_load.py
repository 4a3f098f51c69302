"""A load generator: signed unique WhatsApp posts over keep-alive connections, as its own process.

`python -m bench.http_load --port 9000 --seconds 5 --concurrency 64 --secret S --number N` prints
one line of JSON. The HTTP client is as small as it can be, so that two cores suffice for it, the
server and Kafka.
"""

import argparse
import asyncio
import hashlib
import hmac
import json
import secrets
import sys
from collections import Counter
from dataclasses import dataclass, field
from time import perf_counter

import uvloop

PATH = "/api/integrations/webhooks/whatsapp/"

BODY = (
    '{"object":"whatsapp_business_account","entry":[{"id":"200000000000001","changes":[{"value":'
    '{"messaging_product":"whatsapp","metadata":{"display_phone_number":"34900000000",'
    '"phone_number_id":"@NUMBER@"},"contacts":[{"profile":{"name":"Ana"},"wa_id":"@SENDER@"}],'
    '"messages":[{"from":"@SENDER@","id":"wamid.@ID@","timestamp":"1790000000","text":{"body":'
    '"Hola, desde ayer mi internet va muy lento por la noche. Qué puedo hacer?"},"type":"text"}]},'
    '"field":"messages"}]}]}'
)


@dataclass
class Load:
    """What the connections share."""

    port: int
    until: float
    secret: bytes
    number: str
    statuses: Counter[int] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)

    def request(self) -> bytes:
        """A signed post that was never sent before."""
        body = (
            BODY.replace("@NUMBER@", self.number)
            .replace("@SENDER@", f"346{secrets.randbelow(10**8):08}")
            .replace("@ID@", secrets.token_hex(16))
            .encode()
        )
        signature = hmac.new(self.secret, body, hashlib.sha256).hexdigest()
        head = (
            f"POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            f"X-Hub-Signature-256: sha256={signature}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body

    async def connection(self) -> None:
        """One request after the other until the time is up."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        while perf_counter() < self.until:
            request = self.request()
            began = perf_counter()
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
            await reader.readexactly(length)
            self.seconds.append(perf_counter() - began)
            self.statuses[int(head[9:12])] += 1
        writer.close()


async def measure(given: argparse.Namespace) -> dict[str, object]:
    """Apply the load; figures in seconds."""
    began = perf_counter()
    load = Load(given.port, began + given.seconds, given.secret.encode(), given.number)
    async with asyncio.TaskGroup() as connections:
        for _ in range(given.concurrency):
            connections.create_task(load.connection())
    took = perf_counter() - began
    ordered = sorted(load.seconds)
    return {
        "requests": len(ordered),
        "seconds": took,
        "statuses": {str(status): count for status, count in load.statuses.items()},
        "p50": ordered[len(ordered) // 2],
        "p99": ordered[len(ordered) * 99 // 100],
    }


def main() -> int:
    """Measure once and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--concurrency", type=int, required=True)
    parser.add_argument("--secret", required=True)
    parser.add_argument("--number", required=True)
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    sys.stdout.write(json.dumps(asyncio.run(measure(parser.parse_args()))) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
