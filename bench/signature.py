"""The time of a refusal beside how much of the signature or secret was right.

A comparison that stops at the first wrong character would take longer the more of them were right,
and so give the secret away character by character. Here each kind of refusal differs from another
only in how many leading characters are right; kinds take turns, in a random order each round, on
one connection to the running service and on the checks alone, and the mean difference to "none is
right" is told with its 95 % confidence interval. Nothing is given away where the interval has 0 in
it; a comparison character by character is measured along, so that it is seen what could be found.
"""

import asyncio
import hashlib
import hmac
import math
import random
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist
from time import perf_counter_ns
from types import MappingProxyType

from pydantic import JsonValue

from bench.ingress_requests import BODY, INTEGRATIONS, NUMBER, PATH, SECRET
from bench.ingress_servers import server, started_kafka, until_ok
from bench.report import Effort, Result
from recado.channels.contract import WebhookRequest
from recado.channels.errors import NotAuthentic
from recado.channels.telegram import TelegramChannel, TelegramIntegration
from recado.channels.whatsapp import WhatsAppChannel, WhatsAppIntegration
from recado.devstack.stack.ports import free_port
from recado.servicekit import topics
from recado.servicekit.settings import KafkaSettings

TOKEN = "a-secret-token-of-some-length-as-one-draws-it-at-random-0123456789"
TELEGRAM = f"""\
  - name: bot
    platform: telegram
    bot_token: "1:token"
    secret_token: {TOKEN}
"""
RIGHT = (0, 1, 8, 32, 63)
"""So many leading characters of the signature (64 hexadecimal digits) or secret are right."""

DIRECT_PER_ROUND = 40
COMPARISONS = 5 * (len(RIGHT) - 1)
Z = NormalDist().inv_cdf(1 - 0.05 / COMPARISONS / 2)
"""Bonferroni's: 95 % that every interval has the true difference in it, not each by itself."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean difference in nanoseconds, and half its confidence interval."""

    mean: float
    half: float

    @property
    def tells(self) -> bool:
        """Whether 0 is outside of the interval."""
        return abs(self.mean) > self.half


Samples = dict[int, list[float]]
Refusal = Callable[[], None]
Refusing = Callable[[str], Refusal]
"""The refusal of a given signature or secret."""


def run(effort: Effort) -> Result:
    """Measure; needs nothing running."""
    with tempfile.TemporaryDirectory(prefix="recado-bench-") as folder:
        return asyncio.run(_run(effort, Path(folder)))


async def _run(effort: Effort, folder: Path) -> Result:
    rounds = effort.rounds * 400
    measured: dict[str, Samples] = {
        "signature, the check": direct(_check_of_signatures(), _signatures(), rounds),
        "secret token, the check": direct(_check_of_tokens(), _tokens(), rounds),
        "character by character": direct(_character_by_character, _tokens(), rounds),
    }
    async with AsyncExitStack() as stack:
        kafka = await stack.enter_async_context(started_kafka(folder / "kafka"))
        await topics.apply(KafkaSettings(kafka_bootstrap_servers=kafka.bootstrap))
        integrations = folder / "integrations.yaml"
        integrations.write_text(INTEGRATIONS + TELEGRAM)
        port = free_port()
        environment = {
            "RECADO_KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap,
            "RECADO_INTEGRATIONS_FILE": str(integrations),
            "RECADO_PORT": str(port),
            "RECADO_LOG_LEVEL": "ERROR",
        }
        await stack.enter_async_context(server(["recado.ingress"], environment))
        await until_ok(port, "/readyz")
        for name, requests in (
            ("signature, over HTTP", _signature_requests()),
            ("secret token, over HTTP", _token_requests()),
        ):
            measured[name] = await over_http(port, requests, rounds)
    return result(measured)


def direct(refusing: Refusing, given: Mapping[int, str], rounds: int) -> Samples:
    """The time of each refusal, `DIRECT_PER_ROUND` at a time, in turns.

    What is given is at another place in memory each time: that alone makes nanoseconds.
    """
    samples: Samples = {right: [] for right in given}
    order = list(given)
    for _ in range(rounds):
        random.shuffle(order)
        for right in order:
            refuse = refusing(given[right].encode().decode())
            began = perf_counter_ns()
            for _ in range(DIRECT_PER_ROUND):
                refuse()
            samples[right].append((perf_counter_ns() - began) / DIRECT_PER_ROUND)
    return samples


async def over_http(port: int, requests: Mapping[int, bytes], rounds: int) -> Samples:
    """The time from a request to its 401, in turns on one connection."""
    samples: Samples = {right: [] for right in requests}
    order = list(requests)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for turn in range(rounds + 50):
        random.shuffle(order)
        for right in order:
            began = perf_counter_ns()
            writer.write(requests[right])
            head = await reader.readuntil(b"\r\n\r\n")
            took = perf_counter_ns() - began
            length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
            await reader.readexactly(length)
            if head[9:12] != b"401":
                raise RuntimeError(f"answered {head[9:12].decode()}")
            if turn >= 50:  # the first refusals are recorded, too
                samples[right].append(took)
    writer.close()
    return samples


def difference(some: Sequence[float], none: Sequence[float]) -> Estimate:
    """How much longer some take than none, round by round; rounds that were disturbed left out.

    A round counts unless it is among the 10 % with the largest differences to either side: another
    process got the processor there.
    """
    differences = sorted(a - b for a, b in zip(some, none, strict=True))
    cut = len(differences) // 10
    kept = differences[cut : len(differences) - cut]
    mean = sum(kept) / len(kept)
    # Of a trimmed mean: the winsorized variance (Tukey and McLaughlin, 1963).
    tails = [kept[0]] * cut + kept + [kept[-1]] * cut
    middle = sum(tails) / len(tails)
    variance = sum((one - middle) ** 2 for one in tails) / (len(tails) - 1)
    half = Z * math.sqrt(variance) / ((1 - 2 * cut / len(tails)) * math.sqrt(len(tails)))
    return Estimate(mean, half)


def result(measured: Mapping[str, Samples]) -> Result:
    """A line for each kind of refusal, and what it tells."""
    lines = [f"{'':28}{'right':>6}{'longer by, ns':>16}{'interval':>22}"]
    figures: dict[str, JsonValue] = {}
    for name, samples in measured.items():
        found: dict[str, JsonValue] = {}
        for right in RIGHT[1:]:
            estimate = difference(samples[right], samples[0])
            low, high = estimate.mean - estimate.half, estimate.mean + estimate.half
            told = "  tells" if estimate.tells else ""
            interval = f"[{low:.1f}, {high:.1f}]"
            lines.append(f"{name:28}{right:6}{estimate.mean:16.1f}{interval:>22}{told}")
            found[str(right)] = {
                "nanoseconds": round(estimate.mean, 2),
                "interval": [round(low, 2), round(high, 2)],
            }
        figures[name] = {"samples": len(samples[0]), "longer_than_with_none_right": found}
    lines.append("all intervals hold together with 95 %")
    return Result("\n".join(lines), figures)


def wrong_after(right: int, secret: str) -> str:
    """`secret` with so many leading characters as they are, and the next ones wrong."""
    return secret[:right] + "".join("0" if one != "0" else "1" for one in secret[right:])


def _body() -> bytes:
    text = BODY.replace("@NUMBER@", NUMBER).replace("@SENDER@", "34600000001")
    return text.replace("@ID@", "0" * 32).encode()


def _signatures() -> Mapping[int, str]:
    digest = hmac.new(SECRET.encode(), _body(), hashlib.sha256).hexdigest()
    return MappingProxyType({right: f"sha256={wrong_after(right, digest)}" for right in RIGHT})


def _tokens() -> Mapping[int, str]:
    return MappingProxyType({right: wrong_after(right, TOKEN) for right in RIGHT})


def _check_of_signatures() -> Refusing:
    integration = WhatsAppIntegration.model_validate(
        {
            "name": "main",
            "platform": "whatsapp",
            "phone_number_id": NUMBER,
            "access_token": "token",
            "app_secret": SECRET,
            "verify_token": "token",
        }
    )
    channel = WhatsAppChannel()

    def refusing(signature: str) -> Refusal:
        request = WebhookRequest({"x-hub-signature-256": signature}, {}, _body(), "192.0.2.1")
        return lambda: _refused(lambda: channel.authenticate(request, (integration,)))

    return refusing


def _check_of_tokens() -> Refusing:
    integration = TelegramIntegration.model_validate(
        {"name": "bot", "platform": "telegram", "bot_token": "1:token", "secret_token": TOKEN}
    )
    channel = TelegramChannel()

    def refusing(token: str) -> Refusal:
        headers = {"x-telegram-bot-api-secret-token": token}
        request = WebhookRequest(headers, {}, b"{}", "192.0.2.1")
        return lambda: _refused(lambda: channel.authenticate(request, (integration,)))

    return refusing


def _refused(authenticate: Callable[[], object]) -> None:
    try:
        authenticate()
    except NotAuthentic:
        return
    raise RuntimeError("a wrong signature was taken for a right one")


def _character_by_character(given: str) -> Refusal:
    """What must not be: the comparison ends at the first wrong character."""

    def compare() -> None:
        for one, other in zip(given, TOKEN, strict=True):
            if one != other:
                return

    return compare


def _signature_requests() -> Mapping[int, bytes]:
    return {
        right: _request(PATH, "X-Hub-Signature-256", signature, _body())
        for right, signature in _signatures().items()
    }


def _token_requests() -> Mapping[int, bytes]:
    path, name = PATH.replace("whatsapp", "telegram"), "X-Telegram-Bot-Api-Secret-Token"
    return {right: _request(path, name, token, b"{}") for right, token in _tokens().items()}


def _request(path: str, name: str, value: str, body: bytes) -> bytes:
    return (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"{name}: {value}\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body
