"""Apache Kafka's jars from Maven Central, or from the mirror that the user's Maven is set to.

Fetched once into the cache: 45 jars, 43 MB. Checked by Maven's own checksums.
"""

import shutil
from collections.abc import Mapping
from datetime import timedelta
from importlib.resources import as_file, files
from pathlib import Path

from recado.devstack.stack.cache import cache_directory, filled_once
from recado.devstack.stack.errors import MissingComponent
from recado.devstack.stack.process import ChildProcess

KAFKA_VERSION = "4.4.0"
INSTALL = "install a Java 17 runtime and Maven (Debian: apt-get install default-jre-headless maven)"

_FETCH_TIMEOUT = timedelta(minutes=10)


def java_and_maven_installed() -> bool:
    return shutil.which("java") is not None and shutil.which("mvn") is not None


async def fetch_jars(environment: Mapping[str, str]) -> Path:
    """Return the folder of the jars, fetched at the first call on a machine.

    Several processes may call at the same time: one fetches, all get the same whole folder.
    Raises MissingComponent without Maven, StartFailed with Maven's last lines when it fails.
    """

    async def fetch(folder: Path) -> None:
        if shutil.which("mvn") is None:
            raise MissingComponent("Maven", INSTALL)
        with as_file(files(__package__) / "data" / "kafka-pom.xml") as pom:
            maven = ChildProcess(
                "Maven, fetching Apache Kafka's jars,",
                [
                    *("mvn", "--batch-mode", "--quiet", "--file", str(pom)),
                    "dependency:copy-dependencies",
                    "-DincludeScope=runtime",
                    f"-DoutputDirectory={folder}",
                ],
                log=folder.parent / "maven.log",
                environment=environment,
            )
            await maven.run(_FETCH_TIMEOUT)

    return await filled_once(cache_directory(environment) / f"kafka-{KAFKA_VERSION}", fetch)
