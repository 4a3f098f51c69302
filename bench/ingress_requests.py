"""Webhook requests as the platforms send them, ready for the wire: signed, each a new one."""

import hashlib
import hmac
import secrets
from collections.abc import Callable, Mapping
from types import MappingProxyType

SECRET = "benchmark-app-secret"
NUMBER = "100000000000001"
TOKEN = "benchmark-secret-token"
INTEGRATIONS = f"""
integrations:
  - name: main
    platform: whatsapp
    phone_number_id: "{NUMBER}"
    access_token: token
    app_secret: {SECRET}
    verify_token: token
"""
TELEGRAM_INTEGRATION = f"""\
  - name: bot
    platform: telegram
    bot_token: "1:token"
    secret_token: {TOKEN}
"""

PREFIX = "/api/integrations/webhooks/"
PATH = f"{PREFIX}whatsapp/"
TELEGRAM_PATH = f"{PREFIX}telegram/bot/"

BODY = (
    '{"object":"whatsapp_business_account","entry":[{"id":"200000000000001","changes":[{"value":'
    '{"messaging_product":"whatsapp","metadata":{"display_phone_number":"34900000000",'
    '"phone_number_id":"@NUMBER@"},"contacts":[{"profile":{"name":"Ana"},"wa_id":"@SENDER@",'
    '"user_id":"ES.1@SENDER@"}],"messages":[{"from":"@SENDER@","from_user_id":"ES.1@SENDER@","id":"wamid.@ID@","timestamp":"1790000000","text":{"body":'
    '"Hola, desde ayer mi internet va muy lento por la noche. Qué puedo hacer?"},"type":"text"}]},'
    '"field":"messages"}]}]}'
)
UPDATE = (
    '{"update_id":@UPDATE@,"message":{"message_id":@ID@,"from":{"id":@SENDER@,"is_bot":false,'
    '"first_name":"Ana","language_code":"es"},"chat":{"id":@SENDER@,"first_name":"Ana",'
    '"type":"private"},"date":1790000000,'
    '"text":"Hola, desde ayer mi internet va muy lento por la noche. Qué puedo hacer?"}}'
)


def post(path: str, body: bytes, *headers: str, content_type: str = "application/json") -> bytes:
    """A POST over a connection that is kept."""
    head = [
        f"POST {path} HTTP/1.1",
        "Host: 127.0.0.1",
        f"Content-Type: {content_type}",
        *headers,
        f"Content-Length: {len(body)}",
    ]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def signature(body: bytes) -> str:
    """Meta's header."""
    digest = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    return f"X-Hub-Signature-256: sha256={digest}"


def whatsapp_body(number: str = NUMBER) -> bytes:
    """One text message."""
    return (
        BODY.replace("@NUMBER@", number)
        .replace("@SENDER@", f"346{secrets.randbelow(10**8):08}")
        .replace("@ID@", secrets.token_hex(16))
        .encode()
    )


def whatsapp() -> bytes:
    """A signed post with one text message."""
    body = whatsapp_body()
    return post(PATH, body, signature(body))


def telegram_body() -> bytes:
    """One text message in a private chat."""
    return (
        UPDATE.replace("@UPDATE@", str(secrets.randbelow(2**31)))
        .replace("@SENDER@", str(10**9 + secrets.randbelow(10**9)))
        .replace("@ID@", str(1 + secrets.randbelow(2**31)))
        .encode()
    )


def telegram() -> bytes:
    """A post with the secret token and one text message."""
    return post(TELEGRAM_PATH, telegram_body(), f"X-Telegram-Bot-Api-Secret-Token: {TOKEN}")


KINDS: Mapping[str, Callable[[], bytes]] = MappingProxyType(
    {"whatsapp": whatsapp, "telegram": telegram}
)
