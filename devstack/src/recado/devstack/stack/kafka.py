"""Kafka for the stack: Apache Kafka where Java and Maven are, else noida-db, else an address.

Apache Kafka as one KRaft node keeps what it acknowledged over a SIGKILL and comes back with `start`
on the same port and data. noida-db is there so that a demo runs anywhere; `describe` says what it
does not promise, and `keeps_promises` is False: tests of crashes and rebalances must not use it.
"""

import base64
import contextlib
import importlib.util
import os
import shutil
import uuid
from collections.abc import Mapping
from datetime import timedelta
from importlib.resources import as_file, files
from pathlib import Path

from recado.devstack.stack.errors import MissingComponent
from recado.devstack.stack.kafka_jars import (
    INSTALL,
    KAFKA_VERSION,
    fetch_jars,
    java_and_maven_installed,
)
from recado.devstack.stack.part import ExternalPart, ProcessPart
from recado.devstack.stack.ports import LOOPBACK
from recado.devstack.stack.probes import kafka_answers, some_address_accepts
from recado.devstack.stack.process import ChildProcess

BOOTSTRAP_VARIABLE = "RECADO_KAFKA_BOOTSTRAP_SERVERS"

_NAME = "kafka"
_FORMAT_TIMEOUT = timedelta(seconds=60)
# Together about 220 MB resident with an idle broker.
_JVM_FLAGS = ("-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")


class ApacheKafka(ProcessPart):
    """One broker and controller in one JVM, listening on loopback only.

    `directory` keeps configuration, log and data between starts; the ports may change between them.
    One broker a directory: a second one is refused by Kafka's own lock.
    """

    keeps_promises = True

    def __init__(
        self, directory: Path, *, port: int, controller_port: int, environment: Mapping[str, str]
    ) -> None:
        self.bootstrap = f"{LOOPBACK}:{port}"
        self._directory = directory
        self._port = port
        self._controller_port = controller_port
        self._environment = environment
        # The command is completed in `prepare`, for the jars may have to be fetched first.
        process = ChildProcess(_NAME, (), log=directory / "kafka.log", environment=environment)
        super().__init__(
            _NAME,
            self.bootstrap,
            process,
            ports=(port, controller_port),
            note=f"Apache Kafka {KAFKA_VERSION}",
        )

    async def prepare(self) -> None:
        """Fetch the jars, write the configuration, format the data folder if it never was."""
        if shutil.which("java") is None:
            raise MissingComponent("Java", INSTALL)
        jars = await fetch_jars(self._environment)
        data = self._directory / "data"
        formatted = self._directory / "formatted"
        properties = self._directory / "server.properties"
        logging = self._directory / "log4j2.properties"
        self._directory.mkdir(parents=True, exist_ok=True)
        properties.write_text(server_properties(self._port, self._controller_port, data))
        with as_file(files(__package__) / "data" / "kafka-log4j2.properties") as source:
            shutil.copyfile(source, logging)
        java = (
            *("java", *_JVM_FLAGS, f"-Dlog4j2.configurationFile={logging}"),
            *("-cp", f"{jars}/*"),
        )
        if not formatted.exists():
            shutil.rmtree(data, ignore_errors=True)  # of a formatting that was interrupted
            await self._format(java, properties)
            formatted.touch()
        self.process.command = (*java, "kafka.Kafka", str(properties))

    async def is_ready(self) -> bool:
        return await kafka_answers(self.bootstrap)

    async def _format(self, java: tuple[str, ...], properties: Path) -> None:
        command = (
            *(*java, "kafka.tools.StorageTool", "format", "--standalone"),
            *("-t", cluster_id(uuid.uuid4()), "-c", str(properties)),
        )
        log = self._directory / "format.log"
        tool = ChildProcess(
            "formatting Kafka's data", command, log=log, environment=self._environment
        )
        await tool.run(_FORMAT_TIMEOUT)


class NoidaKafka(ProcessPart):
    """noida-db's Kafka: starts at once, no Java. For demos and quick checks only."""

    keeps_promises = False

    def __init__(self, directory: Path, *, port: int, environment: Mapping[str, str]) -> None:
        self.bootstrap = f"{LOOPBACK}:{port}"
        self._directory = directory
        command = (
            *(str(_noida_program()), "start", "--only", "kafka", "--host", LOOPBACK),
            *("--kafka-port", str(port), "--data-dir", str(directory)),
        )
        process = ChildProcess(_NAME, command, log=directory / "noida.log", environment=environment)
        super().__init__(
            _NAME,
            self.bootstrap,
            process,
            ports=(port,),
            note=(
                "noida-db, as there is no Java or no Maven here: if it crashes, acknowledged "
                "records are lost, and what a killed service had in hand is never taken over"
            ),
        )

    async def prepare(self) -> None:
        self._directory.mkdir(parents=True, exist_ok=True)

    async def is_ready(self) -> bool:
        return await kafka_answers(self.bootstrap)


class ExternalKafka(ExternalPart):
    """The cluster that RECADO_KAFKA_BOOTSTRAP_SERVERS names."""

    keeps_promises = True

    def __init__(self, bootstrap: str) -> None:
        self.bootstrap = bootstrap
        # Only the connection is tried: the cluster may want credentials that services have.
        super().__init__(
            _NAME,
            bootstrap,
            variable=BOOTSTRAP_VARIABLE,
            probe=lambda: some_address_accepts(bootstrap),
        )


Kafka = ApacheKafka | NoidaKafka | ExternalKafka
RealKafka = ApacheKafka | ExternalKafka
"""What tests of redelivery, crashes and rebalances may stand on."""


def choose_kafka(
    directory: Path,
    *,
    port: int,
    controller_port: int,
    environment: Mapping[str, str] | None = None,
) -> Kafka:
    """The best Kafka that this machine can have; not started. None means os.environ."""
    environment = os.environ if environment is None else environment
    if bootstrap := environment.get(BOOTSTRAP_VARIABLE):
        return ExternalKafka(bootstrap)
    if java_and_maven_installed():
        return ApacheKafka(
            directory / "apache",
            port=port,
            controller_port=controller_port,
            environment=environment,
        )
    return NoidaKafka(directory / "noida", port=port, environment=environment)


def cluster_id(drawn: uuid.UUID) -> str:
    """The id as Kafka writes it, base64 for URLs; never with a leading `-`, which is an option."""
    first, *rest = drawn.bytes
    return base64.urlsafe_b64encode(bytes([first & 0x7F, *rest])).decode().rstrip("=")


def server_properties(port: int, controller_port: int, data: Path) -> str:
    """Configuration of a single KRaft node, https://kafka.apache.org/documentation/#brokerconfigs"""
    settings = {
        "process.roles": "broker,controller",
        "node.id": "1",
        "listeners": f"PLAINTEXT://{LOOPBACK}:{port},CONTROLLER://{LOOPBACK}:{controller_port}",
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "PLAINTEXT",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "controller.quorum.bootstrap.servers": f"{LOOPBACK}:{controller_port}",
        "log.dirs": str(data),
        # A single node can't keep a second copy of anything.
        "offsets.topic.replication.factor": "1",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        # Each partition is files and memory; there are few groups here.
        "offsets.topic.num.partitions": "4",
        "transaction.state.log.num.partitions": "4",
        "share.coordinator.state.topic.num.partitions": "4",
        # Topics are made by `recado topics apply`; a typo must not make one.
        "auto.create.topics.enable": "false",
        # Nobody else will join a group in the first seconds.
        "group.initial.rebalance.delay.ms": "0",
        # A test of crashes need not wait 6 s, the default, until a member is given up.
        "group.min.session.timeout.ms": "1000",
        # After a kill the node waits for its own former session to end: the default is 9 s.
        "broker.session.timeout.ms": "3000",
        "broker.heartbeat.interval.ms": "1000",
    }
    return "".join(f"{name}={value}\n" for name, value in settings.items())


def _noida_program() -> Path:
    # The program itself, not the package's wrapper: that one would be a process in between.
    found = importlib.util.find_spec("noida_db")
    if found is None or found.origin is None:
        raise MissingComponent("noida-db", "install the member recado-devstack")
    program = Path(found.origin).with_name("noida-db")
    if not program.is_file():
        raise MissingComponent("noida-db", "there is no build of it for this platform")
    if not os.access(program, os.X_OK):  # wheels do not always keep the mode
        with contextlib.suppress(PermissionError):
            program.chmod(0o755)
    return program
