"""How long keys wait when a member of a group of two dies, and when it stops in order.

Six partitions, 600 keys, 200 records a second without a pause, 20 ms each. A round takes the older
member away, by SIGKILL or by SIGTERM, and measures until the other has handled a record of the
first of its partitions, and of the last of them; then another member joins. `standing still` is the
longest time in which a partition that the other member had all along got nothing done: a rebalance
takes all partitions from all. At the end all is counted: lost, and handled more than once.

A member learns of a rebalance at its next heartbeat, and the session time-out runs from its last
one. So the rounds begin at times spread evenly over the interval of heartbeats, or all would meet
them alike.

It is measured with the group's usual options, and with the shortest session time-out that a broker
takes by default (6 s). The kills with the usual one take most of a minute each, so they are fewer
and run beside the others, in a group of their own.
"""

import asyncio
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from pydantic import JsonValue

from bench.failover_member import group_of
from bench.failover_scene import Scene, Took
from bench.lanes_topics import kafka
from bench.report import Effort, Result, median

EFFORT: Final = Effort(rounds=5, seconds=1.0)
"""The seconds are those of steady work before each round, at least."""

SLOW_ROUNDS: Final = 3
SHORT_SESSION: Final = 6.0


@dataclass(frozen=True, slots=True)
class Case:
    """A way to go, and the group's session time-out in seconds (0: the usual one)."""

    way: Literal["kill", "stop"]
    session: float

    @property
    def name(self) -> str:
        """For people."""
        group = group_of("", self.session)
        how = "kill -9" if self.way == "kill" else "SIGTERM"
        return f"{how}, session time-out {group.session_timeout.total_seconds():g} s"

    @property
    def heartbeat(self) -> float:
        """Seconds between two heartbeats of a member."""
        group = group_of("", self.session)
        return min(group.heartbeat_interval, group.session_timeout / 3).total_seconds()


ASIDE: Final = (Case("kill", 0.0),)
MAIN: Final = (Case("stop", 0.0), Case("stop", SHORT_SESSION), Case("kill", SHORT_SESSION))


def run(effort: Effort) -> Result:
    """All cases."""
    return asyncio.run(_run(effort))


async def _run(effort: Effort) -> Result:
    found: dict[Case, tuple[list[Took], Scene]] = {}

    async def play(cases: Sequence[Case], rounds: int) -> None:
        for case in cases:
            heartbeat = case.heartbeat
            async with Scene(bootstrap, case.session, Path(directory)) as scene:
                rounds_of_it = [
                    await scene.round(case.way, effort.seconds + heartbeat * number / rounds)
                    for number in range(rounds)
                ]
                await scene.settle()
            found[case] = rounds_of_it, scene

    with tempfile.TemporaryDirectory(prefix="recado-bench-") as directory:
        async with kafka(Path(directory)) as bootstrap, asyncio.TaskGroup() as tasks:
            tasks.create_task(play(ASIDE, min(effort.rounds, SLOW_ROUNDS)))
            tasks.create_task(play(MAIN, effort.rounds))
    lines: list[str] = []
    figures: dict[str, JsonValue] = {}
    for case in (*ASIDE, *MAIN):
        rounds_of_it, scene = found[case]
        measured = {
            "first": [one.first for one in rounds_of_it],
            "last": [one.last for one in rounds_of_it],
            "stood_still": [one.stood_still for one in rounds_of_it],
        }
        lines.append(
            f"{case.name} ({len(rounds_of_it)} rounds, p50 / most): "
            f"first record {_spread(measured['first'])}, last partition "
            f"{_spread(measured['last'])}, standing still {_spread(measured['stood_still'])}; "
            f"lost {scene.lost}, handled twice {scene.twice} of {scene.written:,}"
        )
        figures[case.name] = {
            **{name: [round(one, 3) for one in values] for name, values in measured.items()},
            "written": scene.written,
            "lost": scene.lost,
            "twice": scene.twice,
        }
    return Result("\n".join(lines), {"cases": figures})


def _spread(values: list[float]) -> str:
    return f"{median(values):.1f} / {max(values):.1f} s"
