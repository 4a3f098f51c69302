"""Development mode: the minimal unsigned requests of the monolith's handbook, from loopback."""

import json
import uuid
from pathlib import Path

import pytest

from recado.devstack.stack.kafka import ApacheKafka, ExternalKafka
from recado.schemas.webhooks import MessageReceived, WebhookReceived
from recado.servicekit import topics
from recado.servicekit.settings import KafkaSettings
from support.ingress import INTEGRATIONS, TELEGRAM, WHATSAPP, run_ingress

DEVELOPMENT = INTEGRATIONS.replace("  - name", "  - development: true\n    name")

CURL_WHATSAPP = (
    '{"entry":[{"changes":[{"value":{"messages":'
    '[{"from":"1234567890","text":{"body":"Hola"}}]}}]}]}'
)
CURL_TELEGRAM = '{"message":{"chat":{"id":123456},"text":"Hola"}}'
SECRETS = ("X-Hub-Signature-256", "X-Telegram-Bot-Api-Secret-Token")


@pytest.mark.parametrize(("path", "body"), [(WHATSAPP, CURL_WHATSAPP), (TELEGRAM, CURL_TELEGRAM)])
async def test_the_handbooks_curl_commands_work_and_say_that_repeats_are_not_recognised(
    kafka: ApacheKafka | ExternalKafka, tmp_path: Path, path: str, body: str
) -> None:
    await topics.apply(KafkaSettings(kafka_bootstrap_servers=kafka.bootstrap))
    # A blank tells this test's payload from others.
    body = f"{' ' * (1 + uuid.uuid4().int % 10_000)}{body}"
    json_type = {"Content-Type": "application/json"}
    async with run_ingress(kafka.bootstrap, tmp_path, integrations=DEVELOPMENT) as ingress:
        await ingress.until_ready()

        unsigned = await ingress.http.post(path, content=body, headers=json_type)
        wrong = [
            await ingress.http.post(path, content=body, headers=json_type | {name: "wrong"})
            for name in SECRETS
        ]
        tunnelled = await ingress.http.post(
            path, content=body, headers=json_type | {"X-Forwarded-For": "127.0.0.1"}
        )
        events = await ingress.events()

    assert unsigned.status_code == 200
    assert unsigned.json()["messages"] == 1
    assert "no protection against repeats" in unsigned.json()["warning"]
    assert sorted(one.status_code for one in wrong) == [200, 401]  # the other platform's is nothing
    assert tunnelled.status_code == 401
    recorded = next(
        one
        for one in events
        if isinstance(one, WebhookReceived) and one.payload == body and one.event_ids
    )
    (received,) = (one for one in events if one.id in recorded.event_ids)
    assert isinstance(received, MessageReceived)
    assert (received.text, received.platform_message_id) == ("Hola", None)
    assert json.loads(recorded.payload) == json.loads(body)
