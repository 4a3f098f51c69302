"""Questions to a server: does it accept connections, does it answer, is it ready?

None of them raises for a server that is away, and each ends within about two seconds.
"""

import asyncio
import ssl

import httpx
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError
from pymongo import AsyncMongoClient
from pymongo.errors import PyMongoError

_PATIENCE = 2.0  # seconds for one question
_KAFKA_PORT = 9092

# Only http:// is asked; httpx's own default would read all certificates at each question.
_NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


async def accepts(host: str, port: int) -> bool:
    """Say whether a TCP connection is taken."""
    try:
        async with asyncio.timeout(_PATIENCE):
            _, writer = await asyncio.open_connection(host, port)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True


async def some_address_accepts(addresses: str) -> bool:
    """Say whether one of `host:port,host:port` takes connections; the port defaults to Kafka's."""
    for address in addresses.split(","):
        host, _, port = address.strip().rpartition(":")
        if not port.isdigit():
            host, port = address.strip(), str(_KAFKA_PORT)
        if await accepts(host.strip("[]"), int(port)):
            return True
    return False


async def kafka_answers(bootstrap: str) -> bool:
    """Say whether the cluster has a live broker that tells its metadata."""
    if not await some_address_accepts(bootstrap):  # so that aiokafka need not log it as an error
        return False
    client = AIOKafkaClient(bootstrap_servers=bootstrap)
    try:
        async with asyncio.timeout(_PATIENCE):
            await client.bootstrap()
            return bool(client.cluster.brokers())
    except (KafkaError, OSError, TimeoutError):
        return False
    finally:
        await client.close()


async def mongodb_answers(url: str) -> bool:
    """Say whether the server answers a ping."""
    client: AsyncMongoClient[dict[str, object]] = AsyncMongoClient(
        url, serverSelectionTimeoutMS=int(_PATIENCE * 1000)
    )
    try:
        async with asyncio.timeout(_PATIENCE):
            await client.admin.command("ping")
    except (PyMongoError, OSError, TimeoutError):
        return False
    finally:
        await client.close()
    return True


async def http_ok(url: str) -> bool:
    """Say whether GET answers 200."""
    try:
        async with httpx.AsyncClient(verify=_NO_TLS, trust_env=False, timeout=_PATIENCE) as client:
            return (await client.get(url)).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False
