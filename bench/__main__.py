"""`python -m bench [NAME …] [options]`: run the named benchmarks, or all of them, one by one."""

import argparse
import sys
from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType

from bench.report import Benchmark, Effort, machine, save

BENCHMARKS: Mapping[str, str] = MappingProxyType(
    {
        "ingress": "a request's cost beside floors, FastAPI, pywa and aiogram; Kafka's outage",
        "ingress-memory": "memory over 500,000 requests of every kind, and a plot",
        "signature": "time of a refusal beside how much of the signature or secret was right",
        "lanes": "order per key with 256 keys at once, beside bare asyncio and other libraries",
        "lanes-curve": "throughput, CPU and memory from 1 key at once to 1,024, and a plot",
        "failover": "how long keys wait after kill -9 and after the stop of a member",
        "pipeline": "webhook to platform with a model of 0 ms, beside the same calls made bare",
        "dispatcher": "answers to a platform of 0 ms, beside a bare post and as many writes",
        "knowledge": "passages indexed and searches on Weaviate, beside the bare client",
    }
)
"""What there is; each is the module `bench.<name>` with a function `run`.

A module that wants another effort than `EFFORT` has one of its own.
"""

EFFORT = Effort(rounds=5, seconds=5.0)


def main() -> int:
    """Run what was asked for; each result is printed and kept."""
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description="Results go to bench/results.",
        epilog="; ".join(f"{name}: {what}" for name, what in BENCHMARKS.items()),
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="all of them where none is named")
    parser.add_argument("--rounds", type=int, help="rounds of each contender")
    parser.add_argument("--seconds", type=float, help="length of a round")
    parser.add_argument(
        "--share", type=float, default=1.0, help="share of the load (lanes, memory)"
    )
    given = parser.parse_args()
    unknown = [name for name in given.names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"there is no {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}")
    for name in given.names or BENCHMARKS:
        module = import_module(f"bench.{name.replace('-', '_')}")
        benchmark: Benchmark = module.run
        usual: Effort = getattr(module, "EFFORT", EFFORT)
        effort = Effort(
            rounds=given.rounds or usual.rounds,
            seconds=given.seconds or usual.seconds,
            share=given.share,
        )
        sys.stdout.write(f"{name}: {BENCHMARKS[name]}\n")
        before = machine()
        result = benchmark(effort)
        sys.stdout.write(f"{result.text}\nkept in {save(name, result, effort, before)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
