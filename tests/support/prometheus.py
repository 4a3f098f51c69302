"""Metrics as they are scraped: by a test itself, or by a real Prometheus that is then asked."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx
import yaml
from prometheus_client.parser import text_string_to_metric_families

from recado.devstack.stack.ports import LOOPBACK, free_port
from recado.devstack.stack.probes import http_ok
from recado.devstack.stack.process import ChildProcess
from support.dashboard import INSTALL_PROMETHEUS
from support.require import require

SCRAPE_INTERVAL = timedelta(seconds=1)


@dataclass(frozen=True)
class Series:
    """One line of an answer: its labels and its latest value."""

    labels: Mapping[str, str]
    value: float


async def exposed(url: str, name: str, **labels: str) -> float:
    """The sum of what a service exposes under this name with these labels now."""
    async with httpx.AsyncClient(timeout=10) as http:
        response = await http.get(f"{url}/metrics")
        response.raise_for_status()
    return sum(
        sample.value
        for family in text_string_to_metric_families(response.text)
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    )


class Prometheus:
    """Debian's Prometheus on a free port, scraping each target every second."""

    def __init__(self, directory: Path, targets: Sequence[tuple[str, str]]) -> None:
        """`targets` are jobs with the URL of one of their processes."""
        require(shutil.which("prometheus") is not None, "Prometheus", INSTALL_PROMETHEUS)
        configuration = directory / "prometheus.yml"
        configuration.write_text(yaml.safe_dump(_configuration(targets)), encoding="utf-8")
        port = free_port()
        self.url = f"http://{LOOPBACK}:{port}"
        self._process = ChildProcess(
            "Prometheus",
            (
                "prometheus",
                f"--config.file={configuration}",
                f"--storage.tsdb.path={directory / 'data'}",
                f"--web.listen-address={LOOPBACK}:{port}",
            ),
            log=directory / "prometheus.log",
        )

    async def start(self) -> None:
        """Return when it can be asked."""
        await self._process.start(self._is_ready)

    async def stop(self) -> None:
        """Nothing of it runs afterwards."""
        await self._process.kill9()

    async def ask(self, expression: str) -> list[Series]:
        """The value of an expression now. Fails the test where Prometheus can't parse it."""
        async with httpx.AsyncClient(timeout=10) as http:
            response = await http.get(f"{self.url}/api/v1/query", params={"query": expression})
        answer = response.json()
        assert answer["status"] == "success", f"{expression}: {answer}"
        return [Series(one["metric"], float(one["value"][1])) for one in answer["data"]["result"]]

    async def _is_ready(self) -> bool:
        return await http_ok(f"{self.url}/-/ready")


def _configuration(targets: Sequence[tuple[str, str]]) -> Mapping[str, object]:
    by_job: dict[str, list[str]] = {}
    for job, url in targets:
        by_job.setdefault(job, []).append(url.removeprefix("http://"))
    interval = f"{SCRAPE_INTERVAL.total_seconds():.0f}s"
    return {
        "global": {"scrape_interval": interval, "scrape_timeout": interval},
        "scrape_configs": [
            {"job_name": job, "static_configs": [{"targets": addresses}]}
            for job, addresses in by_job.items()
        ],
    }
