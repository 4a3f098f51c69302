"""Mutated bodies of real shapes, signed and not, against the running service and a real Kafka.

No answer is a 5xx, what is signed is 200, what is not is 401 and leaves no event, and the process
does not grow.
"""

import asyncio
import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import response_schema_conformance, status_code_conformance

from recado.devstack.stack.kafka import ApacheKafka, ExternalKafka
from recado.schemas.events import MessageReceived, StatusReported
from recado.schemas.webhooks import WebhookOutcome, WebhookReceived
from recado.servicekit import topics
from recado.servicekit.settings import KafkaSettings
from support.ingress import SECRET_TOKEN, TELEGRAM, WHATSAPP, Ingress, run_ingress, sign
from support.odd_bodies import mutated, telegram_shapes, whatsapp_shapes

BATCH = 20
GROWTH_MIB = 64
"""What the process may grow by: what libraries keep, the repeats that it remembers."""

Headers = list[tuple[bytes, bytes]]

FROM_META, FROM_TELEGRAM = whatsapp_shapes(), telegram_shapes()

ODD_SIGNATURES = (
    None,
    b"",
    b"sha256=",
    b"sha256=" + b"0" * 64,
    b"sha256=" + "ä".encode() * 32,
    b"sha1=" + b"0" * 40,
    b"\xff" * 71,
    b"sha256=" + b"0" * 5000,
)
ODD_SECRETS = (None, b"", SECRET_TOKEN[:-1].encode(), SECRET_TOKEN.encode() + b"x", b"\xe4" * 9)


@dataclass(frozen=True)
class Post:
    """One request."""

    path: str
    body: bytes
    headers: Headers = field(repr=False)
    authentic: bool


@st.composite
def posts(draw: st.DrawFn) -> Post:
    """A mutated body, authentic every other time."""
    authentic = draw(st.booleans())
    if draw(st.booleans()):
        body = draw(mutated(FROM_META))
        proof = sign(body).encode() if authentic else draw(st.sampled_from(ODD_SIGNATURES))
        name, path = b"X-Hub-Signature-256", WHATSAPP
    else:
        body = draw(mutated(FROM_TELEGRAM))
        proof = SECRET_TOKEN.encode() if authentic else draw(st.sampled_from(ODD_SECRETS))
        name, path = b"X-Telegram-Bot-Api-Secret-Token", TELEGRAM
    headers = [(b"Content-Type", b"application/json")]
    return Post(path, body, headers if proof is None else [*headers, (name, proof)], authentic)


@dataclass
class Fuzzed:
    """The process, its loop, and what was sent to it."""

    runner: asyncio.Runner
    ingress: Ingress
    answers: Counter[tuple[bool, int]] = field(default_factory=Counter)
    authentic: set[str] = field(default_factory=set)
    others: set[str] = field(default_factory=set)

    def post(self, batch: list[Post]) -> None:
        """Post all of them at once, and check the answers."""
        self.runner.run(self._post_all(batch))

    async def _post_all(self, batch: list[Post]) -> None:
        responses = await asyncio.gather(*(self._post(one) for one in batch))
        for post, response in zip(batch, responses, strict=True):
            sha256 = hashlib.sha256(post.body).hexdigest()
            (self.authentic if post.authentic else self.others).add(sha256)
            self.answers[post.authentic, response.status_code] += 1
            assert response.status_code == (200 if post.authentic else 401), (post, response.text)

    async def _post(self, post: Post) -> httpx.Response:
        return await self.ingress.http.post(post.path, content=post.body, headers=post.headers)

    def resident_mib(self) -> float:
        """The process's memory."""
        status = Path(f"/proc/{self.ingress.process.pid}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        assert found
        return int(found[1]) / 1024

    def check_topics(self) -> Counter[str]:
        """No event is of a body that was not authentic; what there is, by kind."""
        events = self.runner.run(self.ingress.events())
        records = {one.id: one for one in events if isinstance(one, WebhookReceived)}
        forged = self.others - self.authentic
        kinds: Counter[str] = Counter()
        for record in records.values():
            kinds[record.outcome.value] += 1
            if record.payload_sha256 in forged:
                assert record.outcome is WebhookOutcome.REJECTED
                assert record.event_ids == ()
        for event in events:
            if isinstance(event, MessageReceived | StatusReported):
                kinds[event.type] += 1
                assert records[event.webhook_id].payload_sha256 not in forged
        recorded = {one.payload_sha256 for one in records.values()}
        assert self.authentic <= recorded, "what got a 200 has no record"
        return kinds


@pytest.fixture(scope="module")
def fuzzed(
    kafka: ApacheKafka | ExternalKafka, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Fuzzed]:
    folder = tmp_path_factory.mktemp("ingress")
    with asyncio.Runner() as runner:
        runner.run(topics.apply(KafkaSettings(kafka_bootstrap_servers=kafka.bootstrap)))
        process = run_ingress(kafka.bootstrap, folder)
        ingress = runner.run(process.__aenter__())
        runner.run(ingress.until_ready())
        yield Fuzzed(runner, ingress)
        runner.run(process.__aexit__(None, None, None))


def fuzz(fuzzed: Fuzzed, bodies: int, *, anew: bool) -> None:
    """Post so many bodies; `anew`: others than the last time."""

    @settings(
        max_examples=bodies // BATCH,
        phases=[Phase.generate],
        database=None,
        derandomize=not anew,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(posts(), min_size=BATCH, max_size=BATCH))
    def post(batch: list[Post]) -> None:
        fuzzed.post(batch)

    post()


def prove(fuzzed: Fuzzed, bodies: int, *, anew: bool) -> None:
    """Fuzz, look at what came of it, and print the counts."""
    fuzz(fuzzed, 10 * BATCH, anew=True)  # what is loaded late is loaded now
    before = fuzzed.resident_mib()
    fuzz(fuzzed, bodies - 10 * BATCH, anew=anew)
    grown = fuzzed.resident_mib() - before
    kinds = fuzzed.check_topics()
    answers = {
        f"{'signed' if signed else 'unsigned'} {status}": count
        for (signed, status), count in sorted(fuzzed.answers.items())
    }
    print(f"answers: {answers}; in the topics: {dict(kinds)}; grown by {grown:.1f} MiB")
    assert sum(fuzzed.answers.values()) >= bodies
    assert {WebhookOutcome.ACCEPTED, WebhookOutcome.UNREADABLE} <= set(kinds)
    assert grown < GROWTH_MIB


def test_2000_mutated_bodies_give_no_5xx_and_no_event_without_a_signature(fuzzed: Fuzzed) -> None:
    prove(fuzzed, 2_000, anew=False)


@pytest.mark.long
def test_20000_mutated_bodies_give_no_5xx_and_no_event_without_a_signature(fuzzed: Fuzzed) -> None:
    prove(fuzzed, 20_000, anew=True)


KNOWN: tuple[dict[str, str], ...] = (
    {},
    {"platform": "whatsapp"},
    {"platform": "whatsapp", "integration": "main"},
    {"platform": "telegram", "integration": "bot"},
)
"""Parts of addresses that there are, which are seldom guessed."""


def call_all(fuzzed: Fuzzed, each: int) -> Counter[int]:
    """Call each operation that OpenAPI describes so many times, as it describes them and not."""
    url = str(fuzzed.ingress.http.base_url).rstrip("/")
    schema = schemathesis.openapi.from_url(f"{url}/openapi.json")
    statuses: Counter[int] = Counter()
    for found in schema.get_all_operations():
        assert isinstance(found, Ok), found

        @settings(
            max_examples=each,
            phases=[Phase.generate],
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=found.ok().as_strategy(), known=st.sampled_from(KNOWN))
        def call(case: schemathesis.Case[Any], known: dict[str, str]) -> None:
            case.path_parameters.update(known)
            response = case.call(base_url=url)
            statuses[response.status_code] += 1
            case.validate_response(
                response,
                checks=[not_a_server_error, status_code_conformance, response_schema_conformance],
            )

        call()
    return statuses


def test_whatever_openapi_allows_is_answered_as_it_says(fuzzed: Fuzzed) -> None:
    statuses = call_all(fuzzed, 40)
    print(f"answers: {dict(statuses)}")
    assert {401, 404} <= set(statuses)


@pytest.mark.long
def test_much_of_what_openapi_allows_is_answered_as_it_says(fuzzed: Fuzzed) -> None:
    print(f"answers: {dict(call_all(fuzzed, 1000))}")
