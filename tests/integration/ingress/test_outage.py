"""Kafka goes away and comes back. It is a real one, and it is killed."""

import asyncio
import re
import uuid
from pathlib import Path

from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from recado.devstack.stack.kafka import ApacheKafka
from recado.schemas.events import Event
from recado.schemas.topics import MESSAGES
from recado.schemas.webhooks import MessageReceived, WebhookReceived
from recado.servicekit import topics
from recado.servicekit.settings import KafkaSettings
from support.ingress import Ingress, body, change, message, run_ingress

CLIENTS = 16


class Load:
    """Clients that post messages without a pause and note each answer."""

    def __init__(self, ingress: Ingress) -> None:
        self._ingress = ingress
        self.answers: dict[str, int] = {}
        self.stopped = False

    async def client(self) -> None:
        while not self.stopped:
            text = uuid.uuid4().hex
            content = body([change(message("34600000001", text), message("34600000002", text))])
            response = await self._ingress.post(content)
            self.answers[text] = response.status_code
            if response.status_code == 503:
                assert response.headers["retry-after"]
                # The broker that starts meanwhile needs the processor, too.
                await asyncio.sleep(0.1)

    def count(self, status: int) -> int:
        return sum(one == status for one in self.answers.values())

    async def until(self, status: int, more: int) -> None:
        wanted = self.count(status) + more
        async with asyncio.timeout(60):
            while True:
                if self.count(status) >= wanted:
                    return
                await asyncio.sleep(0.05)


async def apply_topics(kafka: ApacheKafka) -> None:
    await topics.apply(KafkaSettings(kafka_bootstrap_servers=kafka.bootstrap))


def texts_of(events: list[Event]) -> list[str]:
    return [one.text or "" for one in events if isinstance(one, MessageReceived)]


async def waiting(ingress: Ingress) -> float:
    scraped = (await ingress.http.get("/metrics")).text
    found = re.search(r"^recado_ingress_waiting_requests (\S+)$", scraped, re.MULTILINE)
    assert found
    return float(found[1])


async def test_whatever_got_a_200_is_in_the_topic_over_a_kill_and_it_recovers_by_itself(
    own_kafka: ApacheKafka, tmp_path: Path
) -> None:
    await apply_topics(own_kafka)
    async with run_ingress(own_kafka.bootstrap, tmp_path) as ingress:
        await ingress.until_ready()
        load = Load(ingress)
        async with asyncio.TaskGroup() as tasks:
            for _ in range(CLIENTS):
                tasks.create_task(load.client())
            await load.until(200, 200)
            await own_kafka.kill9()
            await load.until(503, 100)
            await ingress.until_ready(ready=False)
            alive = await ingress.http.get("/healthz")
            await own_kafka.start()
            await load.until(200, 200)
            load.stopped = True
        await ingress.until_ready()
        events = await ingress.events()
        assert alive.status_code == 200
        assert await ingress.stop() == 0

    assert set(load.answers.values()) == {200, 503}
    accepted = {text for text, status in load.answers.items() if status == 200}
    in_topic = texts_of(events)
    assert accepted <= set(in_topic)
    assert all(in_topic.count(text) == 2 for text in accepted)  # two messages a post, each once
    recorded = {one.payload_sha256 for one in events if isinstance(one, WebhookReceived)}
    assert len(recorded) >= len(accepted)


async def test_a_long_outage_leaves_a_bounded_number_of_requests_with_the_client(
    own_kafka: ApacheKafka, tmp_path: Path
) -> None:
    """What is given up stays in Kafka's client until Kafka is back: all that comes then."""
    await apply_topics(own_kafka)
    bound = 10 + 3  # those that may wait, and the failures after which nothing more is handed over
    settings = {"max_requests_waiting": "10", "publish_timeout": "PT1S"}
    async with run_ingress(own_kafka.bootstrap, tmp_path, **settings) as ingress:
        await ingress.until_ready()
        await ingress.post(body([change(message("34600000001", "before"))]))
        await own_kafka.kill9()
        refused = Load(ingress)
        async with asyncio.TaskGroup() as tasks:
            for _ in range(40):
                tasks.create_task(refused.client())
            await refused.until(503, 300)
            assert await waiting(ingress) <= bound
            refused.stopped = True
        assert set(refused.answers.values()) == {503}

        await own_kafka.start()
        await ingress.until_ready()
        again = Load(ingress)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(again.client())
            await again.until(200, 20)
            again.stopped = True
        texts = texts_of(await ingress.events())

    left_with_the_client = {text for text in texts if text in refused.answers}
    assert len(left_with_the_client) <= bound
    assert {text for text, status in again.answers.items() if status == 200} <= set(texts)


async def test_what_kafka_takes_after_the_503_is_not_published_again(
    own_kafka: ApacheKafka, tmp_path: Path
) -> None:
    """The platform repeats what got a 503; the client has handed it over when Kafka is back."""
    await apply_topics(own_kafka)
    late = body([change(message("34600000001", "late"), message("34600000002", "late"))])
    async with run_ingress(own_kafka.bootstrap, tmp_path, publish_timeout="PT1S") as ingress:
        await ingress.until_ready()
        await ingress.post(body([change(message("34600000001", "before"))]))
        await own_kafka.kill9()
        refused = await ingress.post(late)
        await own_kafka.start()
        async with asyncio.timeout(60):
            while True:
                again = await ingress.post(late)
                if again.status_code == 200:
                    break
                await asyncio.sleep(0.1)
        events = await ingress.events()

    assert refused.status_code == 503
    assert again.json()["repeats"] == 2
    assert sorted(texts_of(events)) == ["before", "late", "late"]


async def test_it_stops_in_order_while_kafka_is_away(
    own_kafka: ApacheKafka, tmp_path: Path
) -> None:
    await apply_topics(own_kafka)
    async with run_ingress(own_kafka.bootstrap, tmp_path, publish_timeout="PT1S") as ingress:
        await ingress.until_ready()
        await own_kafka.kill9()
        response = await ingress.post(body([change(message("34600000001"))]))

        assert response.status_code == 503
        assert await ingress.stop() == 0


async def test_after_a_record_that_kafka_refuses_the_connection_is_replaced_and_works(
    own_kafka: ApacheKafka, tmp_path: Path
) -> None:
    """Without that, the producer's sequence has a gap and its partition takes nothing any more."""
    await apply_topics(own_kafka)
    await limit_records(own_kafka, MESSAGES.name, 5_000)
    noise = "".join(uuid.uuid4().hex for _ in range(1000))
    small = [change(message("34600000001", "small"))]
    async with run_ingress(own_kafka.bootstrap, tmp_path) as ingress:
        await ingress.until_ready()
        before = await ingress.post(body(small))

        refused = await ingress.post(body([change(message("34600000001", noise))]))
        await ingress.until_ready()
        after = await ingress.post(body(small))

    assert (before.status_code, refused.status_code, after.status_code) == (200, 503, 200)


async def limit_records(kafka: ApacheKafka, topic: str, limit: int) -> None:
    settings = KafkaSettings(kafka_bootstrap_servers=kafka.bootstrap)
    async with topics.admin_client(settings) as admin:
        change_of_limit = ConfigResource(
            ConfigResourceType.TOPIC, topic, configs={"max.message.bytes": str(limit)}
        )
        for response in await admin.alter_configs([change_of_limit]):
            for code, *_ in response.resources:
                assert code == 0
