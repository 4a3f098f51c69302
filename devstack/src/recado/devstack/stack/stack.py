"""The whole stack, or as much of it as one wants: started in order, stopped in reverse.

    async with Stack(StackConfig(state_directory=Path(".recado"), prepare_topics=...)) as stack:
        ...

Kafka, MongoDB, the stand-ins and (where RECADO_KNOWLEDGE is `weaviate`) Weaviate start together;
then the caller's `prepare_topics`; then the services together. `start` returns when all are ready,
or raises and leaves nothing running.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from recado.devstack.stack.errors import StackError, StateUnusable
from recado.devstack.stack.integrations import (
    integrations,
    standins_configuration,
    write_private,
)
from recado.devstack.stack.kafka import BOOTSTRAP_VARIABLE, choose_kafka
from recado.devstack.stack.mongodb import URL_VARIABLE, choose_mongodb
from recado.devstack.stack.part import Part, PartStatus, ProcessPart
from recado.devstack.stack.ports import LOOPBACK, Ports
from recado.devstack.stack.services import SERVICES, Service
from recado.devstack.stack.standins import StandIns
from recado.devstack.stack.weaviate import Weaviate, choose_weaviate, weaviate_settings

INTEGRATIONS_VARIABLE = "RECADO_INTEGRATIONS_FILE"
KNOWLEDGE_VARIABLE = "RECADO_KNOWLEDGE"
OFFSET_RESET_VARIABLE = "RECADO_KAFKA_AUTO_OFFSET_RESET"

PrepareTopics = Callable[[str], Awaitable[None]]
"""Given Kafka's bootstrap servers; returns when every topic is there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StackConfig:
    """What to start, where, and with which settings.

    `state_directory` keeps data, logs and the two files of integrations.py between runs.
    `services` are those to start, of SERVICES.
    `environment` says which parts an address replaces and is what services inherit.
    `settings` are RECADO_* names and values that every service gets on top.
    """

    state_directory: Path
    ports: Ports = field(default_factory=Ports)
    services: tuple[str, ...] = SERVICES
    prepare_topics: PrepareTopics | None = None
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    settings: Mapping[str, str] = field(default_factory=dict)


class Stack:
    """The parts of one stack. Making it starts nothing and writes nothing.

    `kafka`, `mongodb`, `standins`, `weaviate` (None where the knowledge base is another) and
    `service(name)` are its parts, each with `start`, `stop` and, if it runs here, `kill9`.
    """

    def __init__(self, config: StackConfig) -> None:
        self._config = config
        # Children may run in another directory.
        state = config.state_directory.resolve()
        ports, environment = config.ports, _reaching_loopback(config.environment)
        self._standins_file = state / "standins.yaml"
        self._demo_integrations_file = state / "integrations.yaml"
        self.kafka = choose_kafka(
            state / "kafka",
            port=ports.kafka,
            controller_port=ports.kafka_controller,
            environment=environment,
        )
        self.mongodb = choose_mongodb(
            state / "mongodb", port=ports.mongodb, environment=environment
        )
        self.standins = StandIns(
            state / "logs",
            port=ports.standins,
            configuration=self._standins_file,
            environment=environment,
        )
        knowledge = {KNOWLEDGE_VARIABLE: "lancedb", **environment, **config.settings}
        self.weaviate: Weaviate | None = None
        if knowledge[KNOWLEDGE_VARIABLE] == "weaviate":
            self.weaviate = choose_weaviate(
                state / "weaviate",
                port=ports.weaviate,
                grpc_port=ports.weaviate_grpc,
                cluster_port=ports.weaviate_cluster,
                environment={**environment, **config.settings},
            )
        self.integrations_file = Path(
            environment.get(INTEGRATIONS_VARIABLE) or self._demo_integrations_file
        )
        self.environment: Mapping[str, str] = {
            # What the caller's environment may say otherwise,
            KNOWLEDGE_VARIABLE: "lancedb",
            "RECADO_LANCEDB_PATH": str(state / "lancedb"),
            "RECADO_LOG_FORMAT": "console",
            # noida-db forgets offsets in a crash; services must not stop for that.
            **({} if self.kafka.keeps_promises else {OFFSET_RESET_VARIABLE: "earliest"}),
            **environment,
            # and what it can't, for it has been looked at above.
            BOOTSTRAP_VARIABLE: self.kafka.bootstrap,
            URL_VARIABLE: self.mongodb.url,
            INTEGRATIONS_VARIABLE: str(self.integrations_file),
            **config.settings,
            **(weaviate_settings(self.weaviate, None) if self.weaviate is not None else {}),
        }
        """What services and commands of this stack run with, but for Weaviate's keys."""
        self._services = {
            name: Service(
                name,
                state / "logs",
                port=getattr(ports, name),
                environment={**self.environment, **self._weaviate_key(name)},
            )
            for name in config.services
        }

    def service(self, name: str) -> Service:
        """The service of this name. Raises KeyError if it is not part of this stack."""
        return self._services[name]

    def parts(self) -> tuple[PartStatus, ...]:
        """What a table shows, in the order of start. States are those of the last look."""
        return tuple(part.status() for part in self._parts())

    async def look(self) -> tuple[PartStatus, ...]:
        """Ask each part again whether it is ready, then `parts`."""
        async with asyncio.TaskGroup() as group:
            for part in self._parts():
                group.create_task(part.look())
        return self.parts()

    async def start(self) -> None:
        """Return when all is ready. Raises the StackError of the first part that failed."""
        try:
            for part in self._parts():
                if isinstance(part, ProcessPart):
                    part.ensure_ports_free()  # rather now than when half of the stack runs
            self._write_files()
            await _start_together(self._base())
            if self._config.prepare_topics is not None:
                await self._config.prepare_topics(self.kafka.bootstrap)
            await _start_together(self._services.values())
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop the services, then what they stand on. Nothing runs afterwards. May be repeated."""
        try:
            await _stop_together(self._services.values())
        finally:
            await _stop_together(self._base())

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.stop()

    def _base(self) -> tuple[Part, ...]:
        base = (self.kafka, self.mongodb, self.standins)
        return base if self.weaviate is None else (*base, self.weaviate)

    def _weaviate_key(self, service: str) -> dict[str, str]:
        """The key that a service gets: who only searches can only read."""
        if self.weaviate is None:
            return {}
        keys = {"rag": self.weaviate.reader_key, "indexer": self.weaviate.writer_key}
        return weaviate_settings(self.weaviate, keys[service]) if service in keys else {}

    def _parts(self) -> tuple[Part, ...]:
        return (*self._base(), *self._services.values())

    def _write_files(self) -> None:
        try:
            write_private(self._standins_file, standins_configuration(self._config.ports))
            write_private(self._demo_integrations_file, integrations(self._config.ports))
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise StateUnusable(self._config.state_directory, reason) from error


def _reaching_loopback(environment: Mapping[str, str]) -> Mapping[str, str]:
    """The environment, with what keeps a proxy of the user's from between the parts."""
    known = environment.get("no_proxy") or environment.get("NO_PROXY")
    no_proxy = f"{known},{LOOPBACK}" if known else LOOPBACK
    return {**environment, "no_proxy": no_proxy, "NO_PROXY": no_proxy}


async def _start_together(parts: Iterable[Part]) -> None:
    try:
        async with asyncio.TaskGroup() as group:
            for part in parts:
                group.create_task(part.start())
    except BaseExceptionGroup as failures:
        # One failure cancels the other starts; the first one is what the user must know.
        for failure in failures.exceptions:
            if isinstance(failure, StackError):
                raise failure from None
        raise


async def _stop_together(parts: Iterable[Part]) -> None:
    async with asyncio.TaskGroup() as group:
        for part in parts:
            group.create_task(part.stop())
