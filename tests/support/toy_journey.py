"""A message and its answer on a platform that only a folder knows of: run as a process.

`python -m support.toy_journey FOLDER` puts FOLDER beside the channels, before anything of Recado is
imported, and prints as JSON what became of a message on the platform `sms`.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from time import monotonic
from uuid import UUID

import recado.channels

recado.channels.__path__.append(sys.argv[1])

from recado.channels.integrations import Integrations, load_integrations  # noqa: E402
from recado.channels.registry import CHANNELS  # noqa: E402
from recado.dispatcher.attending import Attention  # noqa: E402
from recado.dispatcher.core import build, now  # noqa: E402
from recado.dispatcher.senders import PooledSenders  # noqa: E402
from recado.dispatcher.settings import DispatcherSettings  # noqa: E402
from recado.dispatcher.stopped import Stopped  # noqa: E402
from recado.dispatcher.throttling import Throttle  # noqa: E402
from recado.ingress.admission import Admission  # noqa: E402
from recado.ingress.bodies import BodyReader  # noqa: E402
from recado.ingress.clients import Clients  # noqa: E402
from recado.ingress.directory import Directory  # noqa: E402
from recado.ingress.limits import ByteBudget  # noqa: E402
from recado.ingress.outbox import Outbox  # noqa: E402
from recado.ingress.reception import Reception, Visit  # noqa: E402
from recado.ingress.rejections import Rejections  # noqa: E402
from recado.ingress.repeats import Repeats  # noqa: E402
from recado.ingress.settings import IngressSettings  # noqa: E402
from recado.rag.understanding import Question, understand, wants_answer  # noqa: E402
from recado.schemas import ids  # noqa: E402
from recado.schemas.answers import Rung, Timings  # noqa: E402
from recado.schemas.encoding import EncodedEvent, decode, encode  # noqa: E402
from recado.schemas.events import (  # noqa: E402
    AnswerDelivered,
    AnswerGenerated,
    AnswerNotDelivered,
    MessageReceived,
)
from recado.servicekit.exposition import exposition  # noqa: E402
from recado_lanes import Record  # noqa: E402
from support.memory_documents import MemoryDocuments  # noqa: E402

NOW = datetime.now(UTC)
SECRET = "s3cret"
WEBHOOK = {"texts": [{"id": "1", "from": "51900", "text": "¿Por qué va lento?"}, {"id": "2"}]}
ANSWER = "Reinicia el router. " * 20


class Gateway(BaseHTTPRequestHandler):
    """Takes texts to send; keeps them."""

    sent: list[dict[str, str]] = []  # noqa: RUF012  # one for all requests

    def do_POST(self) -> None:
        length = int(self.headers["content-length"])
        self.sent.append(json.loads(self.rfile.read(length)))
        answer = json.dumps({"id": f"out-{len(self.sent)}"}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # its own name
        """Says nothing."""


async def received(integrations: Integrations, settings: IngressSettings) -> MessageReceived:
    """The message, as ingress writes it."""
    written: list[EncodedEvent] = []

    async def write(records: Sequence[EncodedEvent]) -> None:
        written.extend(records)

    outbox = Outbox(write, max_waiting=1, failures_until_shut=1)
    outbox.open()
    reception = Reception(
        directory=Directory(CHANNELS, integrations),
        admission=Admission(Clients()),
        bodies=BodyReader(
            max_body=lambda platform: settings.max_body(CHANNELS[platform]),
            budget=ByteBudget(settings.max_body_bytes_held),
            timeout=settings.body_timeout,
        ),
        outbox=outbox,
        rejections=Rejections(outbox, per_second=1, burst=1),
        repeats=Repeats(most=settings.repeats_most, age=settings.repeats_age),
        retry_after=settings.retry_after,
        clock=lambda: NOW,
        new_id=lambda: UUID(int=7),
    )
    headers = {"content-type": "application/json", "x-sms-secret": SECRET}
    answer = await reception.receive(Visit("sms", None, headers, {}, "192.0.2.1", _body()))
    assert answer.status == 200, answer
    event = decode(written[0].headers, written[0].value)
    assert isinstance(event, MessageReceived)
    return event


async def _body() -> AsyncIterator[bytes]:
    yield json.dumps(WEBHOOK).encode()


def answered(message: MessageReceived) -> AnswerGenerated:
    """The answer that rag would write."""
    assert wants_answer(message)
    assert understand([message]) == Question("¿Por qué va lento?")
    return AnswerGenerated(
        id=ids.answer_id([message.id]),
        occurred_at=NOW,
        conversation=message.conversation,
        reply_to=message.reply_to,
        message_ids=(message.id,),
        quoted_message_id=message.platform_message_id,
        text=ANSWER,
        rung=Rung.GROUNDED,
        timings=Timings(total=timedelta(seconds=1)),
        received_at=NOW,
        deadline=NOW + timedelta(minutes=15),
    )


async def dispatched(
    integrations: Integrations, events: Sequence[MessageReceived | AnswerGenerated]
) -> list[AnswerDelivered | AnswerNotDelivered]:
    """What the dispatcher says became of the answer."""
    outcomes: list[AnswerDelivered | AnswerNotDelivered] = []

    async def publish(event: AnswerDelivered | AnswerNotDelivered) -> None:
        outcomes.append(event)

    senders = PooledSenders(
        CHANNELS,
        timeout=timedelta(seconds=5),
        connecting=timedelta(seconds=2),
        connections=1,
    )
    senders.replace(integrations)
    documents = MemoryDocuments()
    handlers = build(
        DispatcherSettings(),
        documents,
        senders,
        publish,
        Throttle(senders.limits, monotonic),
        Stopped(monotonic),
        Attention(senders, documents, now, typing=False),
    )
    for offset, event in enumerate(events):
        one = encode(event, source="test")
        await handlers.handle(Record(one.topic, 0, offset, one.key, one.value, one.headers, NOW))
    await senders.close()
    return outcomes


async def journey(integrations_file: Path) -> dict[str, object]:
    integrations = load_integrations(integrations_file, {})
    message = await received(integrations, IngressSettings(integrations_file=integrations_file))
    (outcome,) = await dispatched(integrations, [message, answered(message)])
    exposed = exposition("ingress", publishes=(MessageReceived,), platforms=tuple(CHANNELS))
    labels = {"platform": "sms", "kind": "text"}
    return {
        "platforms": list(CHANNELS),
        "conversation": message.conversation,
        "outcome": outcome.type,
        "sent": Gateway.sent,
        "messages_counted": exposed.get_sample_value("recado_messages_received_total", labels),
    }


def main() -> None:
    """Start the gateway, make the journey, print what became of it."""
    gateway = ThreadingHTTPServer(("127.0.0.1", 0), Gateway)
    Thread(target=gateway.serve_forever, daemon=True).start()
    with TemporaryDirectory() as folder:
        file = Path(folder) / "integrations.yaml"
        file.write_text(
            "integrations:\n"
            f"  - {{name: main, platform: sms, secret: {SECRET}, "
            f"api_base_url: 'http://127.0.0.1:{gateway.server_port}'}}\n",
            encoding="utf-8",
        )
        told = asyncio.run(journey(file))
    gateway.shutdown()
    sys.stdout.write(f"\n{json.dumps(told)}\n")  # the log is above it


main()
