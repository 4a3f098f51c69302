"""The real components that tests stand on. Each is started once a session, on free ports.

`kafka` (Apache Kafka), `mongodb` and `weaviate` take the address in RECADO_KAFKA_BOOTSTRAP_SERVERS,
RECADO_MONGODB_URL or RECADO_WEAVIATE_URL, where there is one. They are shared: a test makes its own
topics, with `topic_factory`, its own database, its own collections. A test that stops or kills a
server takes `own_kafka` or `own_weaviate`.

Tests run in several processes (pytest-xdist), each with components of its own. Which tests stay
together in one of them: support/scheduling.py.
"""

import os
import signal
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import settings

from recado.devstack.stack.integrations import standins_configuration, write_private
from recado.devstack.stack.kafka import BOOTSTRAP_VARIABLE, ApacheKafka, ExternalKafka, RealKafka
from recado.devstack.stack.kafka_jars import INSTALL, java_and_maven_installed
from recado.devstack.stack.mongodb import MongoDb, SecantusDb, choose_mongodb
from recado.devstack.stack.ports import CLUSTER_PORTS, free_port
from recado.devstack.stack.standins import StandIns
from recado.devstack.stack.weaviate import (
    INSTALL as INSTALL_WEAVIATE,
)
from recado.devstack.stack.weaviate import (
    ExternalWeaviate,
    Weaviate,
    WeaviateServer,
    choose_weaviate,
    weaviate_program,
)
from recado.servicekit import logs
from support.quick_java import quick_java
from support.require import require
from support.running import run
from support.scheduling import Together, rank
from support.topics import TopicFactory, Topics

# A busy machine is no fault of the code: time is measured in bench/, never in a test.
# Each run draws other examples; --hypothesis-profile=thorough draws many at once.
settings.register_profile("recado", deadline=None)
settings.register_profile("thorough", deadline=None, max_examples=1000)
settings.load_profile("recado")


def pytest_configure() -> None:
    """Programs that a test interrupts heed it, also where a shell runs the tests in background.

    Such a shell has them ignore SIGINT, and who ignores it hands that on.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """Who gets which tests, where --dist says that some belong together."""
    return Together(config, log) if config.getoption("dist") == "loadgroup" else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """In the order in which processes are to take them."""
    items.sort(key=lambda item: rank(item.nodeid))


@pytest.fixture(scope="session", autouse=True)
def own_logging() -> Iterator[None]:
    """A command that a test calls does not set up the logging of its process: it is all tests'."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(logs, "configure", lambda *_: None)
        yield


@pytest.fixture(scope="session")
def java(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """What the environment of Apache Kafka has beyond this one's."""
    require(java_and_maven_installed(), "Apache Kafka", INSTALL)
    return run(quick_java(tmp_path_factory.mktemp("java")))


def _apache_kafka(directory: Path, java: Mapping[str, str]) -> ApacheKafka:
    return ApacheKafka(
        directory,
        port=free_port(),
        controller_port=free_port(),
        environment={**os.environ, **java},
    )


@pytest.fixture(scope="session")
def kafka(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[RealKafka]:
    """Apache Kafka for all tests; `.bootstrap` is its address. Never stop it in a test."""
    broker: RealKafka
    if address := os.environ.get(BOOTSTRAP_VARIABLE):
        broker = ExternalKafka(address)
    else:
        java: Mapping[str, str] = request.getfixturevalue("java")
        broker = _apache_kafka(tmp_path_factory.mktemp("kafka"), java)
    run(broker.start())
    yield broker
    # Its data goes with the session: there is nothing to shut down in good order.
    run(broker.kill9() if isinstance(broker, ApacheKafka) else broker.stop())


@pytest.fixture
def own_kafka(tmp_path: Path, java: Mapping[str, str]) -> Iterator[ApacheKafka]:
    """Apache Kafka for one test, to be killed, stopped, suspended and started again."""
    broker = _apache_kafka(tmp_path / "kafka", java)
    run(broker.start())
    yield broker
    run(broker.kill9())


@pytest.fixture
async def topic_factory(kafka: RealKafka) -> AsyncIterator[TopicFactory]:
    """`await topic_factory("name", partitions=6)` makes a topic on `kafka`; gone after the test."""
    topics = Topics(kafka.bootstrap)
    yield topics
    await topics.delete_all()


def _mongodb(directory: Path) -> Iterator[MongoDb]:
    server = choose_mongodb(directory, port=free_port())
    run(server.start())
    yield server
    run(server.kill9() if isinstance(server, SecantusDb) else server.stop())


@pytest.fixture(scope="session")
def mongodb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MongoDb]:
    """MongoDB or its stand-in for all tests; `.url` is its address."""
    yield from _mongodb(tmp_path_factory.mktemp("mongodb"))


@pytest.fixture
def new_mongodb(tmp_path: Path) -> Iterator[MongoDb]:
    """The same for one test of how fast something is: the stand-in slows down with its writes."""
    yield from _mongodb(tmp_path / "mongodb")


def _weaviate(directory: Path) -> Weaviate:
    server = choose_weaviate(
        directory,
        port=free_port(),
        grpc_port=free_port(),
        cluster_port=free_port(CLUSTER_PORTS),
    )
    here = isinstance(server, ExternalWeaviate) or weaviate_program(os.environ) is not None
    require(here, "Weaviate", INSTALL_WEAVIATE)
    return server


@pytest.fixture(scope="session")
def weaviate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Weaviate]:
    """Weaviate for all tests; each has collections of its own. Never stop it in a test."""
    server = _weaviate(tmp_path_factory.mktemp("weaviate"))
    run(server.start())
    yield server
    run(server.kill9() if isinstance(server, WeaviateServer) else server.stop())


@pytest.fixture
def own_weaviate(tmp_path: Path) -> Iterator[WeaviateServer]:
    """Weaviate for one test, to be killed, suspended and started again."""
    server = _weaviate(tmp_path / "weaviate")
    if isinstance(server, ExternalWeaviate):
        pytest.skip("this test kills the server, and the one at the address is not its own")
    run(server.start())
    yield server
    run(server.kill9())


@pytest.fixture(scope="session")
def standins(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIns]:
    """WhatsApp, Telegram and Gemini for all tests, with the demo's credentials and customers.

    `.url` is the root. They post no statuses. What arrived is shared by all tests: look only for
    what your own test sent.
    """
    directory = tmp_path_factory.mktemp("standins")
    configuration = directory / "standins.yaml"
    write_private(configuration, standins_configuration(None))
    server = StandIns(
        directory, port=free_port(), configuration=configuration, environment=os.environ
    )
    run(server.start())
    yield server
    run(server.stop())
