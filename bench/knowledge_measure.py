"""What a round of the knowledge benchmark took: time, and CPU time here and on the server."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from pydantic import JsonValue

from bench.report import cpu_seconds, median


@dataclass
class Contender:
    """What was measured of one, a round each. Times in seconds; CPU is per operation.

    Contenders take turns in one process, so what it spends meanwhile is theirs. `server` is the
    server's process id, None where it runs elsewhere or there is none.
    """

    name: str
    server: int | None
    rates: list[float] = field(default_factory=list)
    client_cpu: list[float] = field(default_factory=list)
    server_cpu: list[float] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)

    @contextmanager
    def round(self) -> Iterator[list[int]]:
        """Measure what is done inside, which appends how many operations it did."""
        done: list[int] = []
        server = self._server()
        began, cpu = time.perf_counter(), time.process_time()
        yield done
        took, spent = time.perf_counter() - began, time.process_time() - cpu
        self.rates.append(sum(done) / took)
        self.client_cpu.append(spent / sum(done))
        if self.server is not None:
            self.server_cpu.append((self._server() - server) / sum(done))

    async def under_load(
        self, ask: Callable[[int], Awaitable[object]], at_once: int, seconds: float
    ) -> None:
        """A round of so many callers, each asking again as soon as it is answered.

        `ask` gets a number that goes up with each call. A call that was begun is waited for.
        """
        numbers = iter(range(2**62))
        calls = 0

        async def caller(until: float) -> None:
            nonlocal calls
            while (began := time.perf_counter()) < until:
                await ask(next(numbers))
                self.waits.append(time.perf_counter() - began)
                calls += 1

        with self.round() as done:
            until = time.perf_counter() + seconds
            async with asyncio.TaskGroup() as tasks:
                for _ in range(at_once):
                    tasks.create_task(caller(until))
            done.append(calls)

    def figures(self) -> dict[str, JsonValue]:
        """Medians over the rounds, and each round; of the waits, quantiles over all."""
        figures: dict[str, JsonValue] = {
            "per_second": round(median(self.rates), 1),
            "client_cpu_ms": _ms(self.client_cpu),
            "server_cpu_ms": _ms(self.server_cpu),
            "rounds_per_second": [round(one, 1) for one in self.rates],
            "rounds_client_cpu_ms": [round(one * 1e3, 3) for one in self.client_cpu],
            "rounds_server_cpu_ms": [round(one * 1e3, 3) for one in self.server_cpu],
        }
        if self.waits:
            figures["calls"] = len(self.waits)
            figures["p50_ms"] = round(quantile(self.waits, 0.5) * 1e3, 2)
            figures["p99_ms"] = round(quantile(self.waits, 0.99) * 1e3, 2)
        return figures

    def line(self) -> str:
        """For the table; `HEADER` names the columns."""
        waits = (
            f"{quantile(self.waits, 0.5) * 1e3:9.1f}{quantile(self.waits, 0.99) * 1e3:9.1f}"
            if self.waits
            else f"{'':18}"
        )
        here, there = _ms(self.client_cpu), _ms(self.server_cpu)
        return f"  {self.name:42}{median(self.rates):9.1f}{waits}{_told(here)}{_told(there)}"

    def _server(self) -> float:
        return 0.0 if self.server is None else cpu_seconds(self.server)


HEADER = f"{'per s':>9}{'p50 ms':>9}{'p99 ms':>9}{'CPU ms here':>13}{'server':>13}"


def compared(ours: Contender, floor: Contender) -> dict[str, JsonValue]:
    """Ours as a multiple of the floor: the median over the rounds, p50 and p99 over all."""
    ratio: dict[str, JsonValue] = {
        "per_second": _ratio(ours.rates, floor.rates),
        "client_cpu": _ratio(ours.client_cpu, floor.client_cpu),
        "server_cpu": _ratio(ours.server_cpu, floor.server_cpu),
    }
    if ours.waits and floor.waits:
        for name, q in (("p50", 0.5), ("p99", 0.99)):
            ratio[name] = round(quantile(ours.waits, q) / quantile(floor.waits, q), 2)
    return ratio


def quantile(times: Sequence[float], q: float) -> float:
    """The time that the share `q` of all does not exceed."""
    ordered = sorted(times)
    return ordered[min(len(ordered) - 1, int(q * len(ordered)))]


def _ratio(ours: Sequence[float], floor: Sequence[float]) -> float | None:
    ratios = [one / other for one, other in zip(ours, floor, strict=False) if other]
    return round(median(ratios), 2) if ratios else None


def _ms(values: list[float]) -> float | None:
    return round(median(values) * 1e3, 3) if values else None


def _told(value: float | None) -> str:
    return f"{'–':>13}" if value is None else f"{value:13.2f}"
