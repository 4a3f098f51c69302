"""What a running process leaves behind: few records of rejections, nothing private in its logs."""

import asyncio
import json
import uuid

from recado.schemas.events import WebhookReceived
from support.ingress import VERIFY_TOKEN, Ingress, body, change, message


async def test_a_flood_of_wrong_signatures_leaves_few_records(ingress: Ingress) -> None:
    mark = uuid.uuid4().hex
    content = json.dumps({"mark": mark}).encode()

    responses = [await ingress.post(body=content, signature="wrong") for _ in range(300)]

    assert {one.status_code for one in responses} == {401}
    assert await ingress.stop() == 0  # all that will be recorded is
    events = await ingress.events()
    recorded = [one for one in events if isinstance(one, WebhookReceived) and mark in one.payload]
    assert 20 <= len(recorded) < 60


async def test_nothing_that_a_customer_wrote_nor_a_secret_is_in_log_or_metrics(
    ingress: Ingress,
) -> None:
    mark = uuid.uuid4().hex
    await ingress.post(body([change(message("34655512345", mark))]))
    await ingress.post(body([change(message("34655512345", mark), number="9")]))
    await ingress.post(body=mark.encode())
    await ingress.post(body=mark.encode(), signature="sha256=" + "a" * 64)
    scraped = (await ingress.http.get("/metrics")).text
    await ingress.stop()

    written = await asyncio.to_thread(ingress.log.read_text)
    assert "recado_webhooks_total" in scraped
    for hidden in (mark, "34655512345", "app-secret-of-the-tests", VERIFY_TOKEN, "a" * 64):
        assert hidden not in written
        assert hidden not in scraped
