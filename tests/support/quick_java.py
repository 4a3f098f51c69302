"""Kafka's classes kept ready for the next JVM, for it starts a dozen times in the tests.

Java's class-data sharing, https://docs.oracle.com/en/java/javase/17/vm/class-data-sharing.html:
half of the CPU time of a broker's start is the reading of classes. An archive that no longer fits
the JVM or the jars is ignored by Java.
"""

import os
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from recado.devstack.stack.cache import cache_directory, filled_once
from recado.devstack.stack.kafka import ApacheKafka
from recado.devstack.stack.kafka_jars import KAFKA_VERSION
from recado.devstack.stack.ports import free_port

ARCHIVE = "classes.jsa"
OPTIONS = "JDK_JAVA_OPTIONS"


async def quick_java(directory: Path) -> Mapping[str, str]:
    """The environment of a JVM that starts quickly; made ready once for a machine, in seconds."""

    async def fill(folder: Path) -> None:
        # A JVM writes what it has read as it ends; the broker's comes after its formatting tool's.
        environment = {**os.environ, OPTIONS: f'"-XX:ArchiveClassesAtExit={folder / ARCHIVE}"'}
        broker = ApacheKafka(
            directory, port=free_port(), controller_port=free_port(), environment=environment
        )
        await broker.start()
        await broker.process.stop(grace=timedelta(minutes=1))

    folder = await filled_once(cache_directory(os.environ) / f"kafka-{KAFKA_VERSION}-classes", fill)
    archive = folder / ARCHIVE
    return {OPTIONS: f'"-XX:SharedArchiveFile={archive}"'} if archive.exists() else {}
