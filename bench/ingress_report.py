"""The figures of ingress's benchmark as a table, as marks, and as data."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeAlias

from pydantic import JsonValue

from bench.http_load import Seen
from bench.report import median

CONCURRENCIES: Final = (1, 16, 64)
NAMES: Final[Mapping[str, str]] = {
    "floor A": "floor A: one write",
    "floor B": "floor B: the same two writes",
    "fastapi-raw": "FastAPI, raw body, orjson",
    "fastapi-pydantic": "FastAPI, Pydantic",
    "Recado": "Recado",
    "pywa": "pywa, waits for nothing",
    "pywa-waiting": "pywa, waits for Kafka",
    "aiogram": "aiogram, waits for nothing",
    "Recado, Telegram": "Recado, the same updates",
}
"""In the order of the table, with what each is."""

Points: TypeAlias = Mapping[str, Mapping[int, Sequence[Seen]]]
"""What was seen, by contender, concurrency and round."""
Figure: TypeAlias = Callable[[Seen], float]


def rate(seen: Seen) -> float:
    """Requests a second."""
    return seen.requests / seen.seconds


def cpu(seen: Seen) -> float:
    """CPU seconds of the server a request."""
    return seen.cpu[0] / seen.requests


def busy(seen: Seen) -> float:
    """The share of its core that the server used: where it is far from 1, something else binds."""
    return seen.cpu[0] / seen.seconds


def load_cpu(seen: Seen) -> float:
    """CPU seconds of the load generator a request."""
    return seen.own_cpu / seen.requests


def kafka_cpu(seen: Seen) -> float:
    """CPU seconds of Kafka a request, where it is one of our own."""
    return seen.cpu[1] / seen.requests if len(seen.cpu) > 1 else 0.0


def p50(seen: Seen) -> float:
    """Half of the answers took no longer, in seconds."""
    return seen.p50


def p99(seen: Seen) -> float:
    """99 of 100 answers took no longer, in seconds."""
    return seen.p99


def middle(rounds: Sequence[Seen], figure: Figure) -> float:
    """The median over the rounds."""
    return median([figure(one) for one in rounds])


def ratio(rounds: Sequence[Seen], others: Sequence[Seen], figure: Figure) -> float:
    """The median of the ratios, each of two that were measured one after the other."""
    return median([figure(a) / figure(b) for a, b in zip(rounds, others, strict=True)])


def text(points: Points, kafka_down: Mapping[str, JsonValue]) -> str:
    """Everything for people."""
    lines: list[str] = []
    for concurrency in CONCURRENCIES:
        lines += _table(points, concurrency)
    lines += ["", "marks", *marks(points), "", _noise(points)]
    for name, found in kafka_down.items():
        assert isinstance(found, dict)
        lines += ["", f"Kafka killed, {name}"]
        lines += [f"    {what.replace('_', ' '):<20}{value}" for what, value in found.items()]
    return "\n".join(lines)


def _table(points: Points, concurrency: int) -> list[str]:
    floor, single = points["floor B"][concurrency], points["floor A"][concurrency]
    heads = (
        *("req/s", "p50 ms", "p99 ms", "CPU µs", "of core", "load µs", "Kafka µs"),
        *("rate/B", "p99/B", "CPU/B", "CPU/A"),
    )
    lines = ["", f"{f'{concurrency} at once':<30}" + "".join(f"{one:>9}" for one in heads)]
    for name, described in NAMES.items():
        rounds = points[name][concurrency]
        lines.append(
            f"{described:<30}{middle(rounds, rate):9.0f}"
            f"{middle(rounds, p50) * 1e3:9.2f}{middle(rounds, p99) * 1e3:9.2f}"
            f"{middle(rounds, cpu) * 1e6:9.0f}{middle(rounds, busy):9.2f}"
            f"{middle(rounds, load_cpu) * 1e6:9.0f}{middle(rounds, kafka_cpu) * 1e6:9.0f}"
            f"{ratio(rounds, floor, rate):9.2f}{ratio(rounds, floor, p99):9.2f}"
            f"{ratio(rounds, floor, cpu):9.2f}{ratio(rounds, single, cpu):9.2f}"
        )
    return lines


def marks(points: Points) -> list[str]:
    """What ingress is to reach, what was seen, and whether that is so."""
    lines = []
    for concurrency in (16, 64):
        ours, floor = points["Recado"][concurrency], points["floor B"][concurrency]
        seen = (
            ("CPU, at most 1.2 × floor B", (used := ratio(ours, floor, cpu)), used <= 1.2),
            ("rate, at least 0.8 × floor B", (fast := ratio(ours, floor, rate)), fast >= 0.8),
            ("p99, at most 2 × floor B", (slow := ratio(ours, floor, p99)), slow <= 2),
            _less(points, concurrency, "Recado", "pywa"),
            _less(points, concurrency, "Recado, Telegram", "aiogram"),
        )
        lines += [
            f"{concurrency:>4} at once: {what:<32}{value:6.2f}  {'yes' if reached else 'no'}"
            for what, value, reached in seen
        ]
    return lines


def _less(points: Points, concurrency: int, ours: str, peer: str) -> tuple[str, float, bool]:
    found = ratio(points[ours][concurrency], points[peer][concurrency], cpu)
    return f"CPU, less than {peer}", found, found < 1


def _noise(points: Points) -> str:
    every = [seen for steps in points.values() for rounds in steps.values() for seen in rounds]
    time = sum(seen.seconds for seen in every)
    stolen = sum(seen.steal for seen in every) / time
    others = sum(seen.others_cpu for seen in every) / time
    return (
        f"of one core, on average: {others:.1%} used by anything else on the machine "
        f"(its own interrupts among it), {stolen:.1%} stolen by the hypervisor"
    )


def figures(points: Points) -> dict[str, JsonValue]:
    """Everything as data, each round's too."""
    return {
        "contenders": {
            name: {
                str(concurrency): {
                    "requests_per_second": round(middle(rounds, rate), 1),
                    "p50_milliseconds": round(middle(rounds, p50) * 1e3, 3),
                    "p99_milliseconds": round(middle(rounds, p99) * 1e3, 3),
                    "cpu_microseconds_per_request": round(middle(rounds, cpu) * 1e6, 1),
                    "share_of_its_core": round(middle(rounds, busy), 3),
                    "load_generator_microseconds_per_request": round(
                        middle(rounds, load_cpu) * 1e6, 1
                    ),
                    "kafka_microseconds_per_request": round(middle(rounds, kafka_cpu) * 1e6, 1),
                    "of_floor_b": _ratios(rounds, points["floor B"][concurrency]),
                    "of_floor_a": _ratios(rounds, points["floor A"][concurrency]),
                    "rounds": [
                        {
                            "requests_per_second": round(rate(seen), 1),
                            "cpu_microseconds_per_request": round(cpu(seen) * 1e6, 1),
                            "p99_milliseconds": round(seen.p99 * 1e3, 3),
                            "stolen": round(seen.steal / seen.seconds, 4),
                            "others": round(seen.others_cpu / seen.seconds, 4),
                        }
                        for seen in rounds
                    ],
                }
                for concurrency, rounds in points[name].items()
            }
            for name in NAMES
        },
        "marks": list[JsonValue](marks(points)),
    }


def _ratios(rounds: Sequence[Seen], others: Sequence[Seen]) -> dict[str, JsonValue]:
    return {
        "requests_per_second": round(ratio(rounds, others, rate), 3),
        "p99": round(ratio(rounds, others, p99), 3),
        "cpu_per_request": round(ratio(rounds, others, cpu), 3),
    }
