"""The demo's integrations, and what its stand-ins know: two files in the state directory.

The credentials are fixed and public, so that the README's commands work as printed. That is safe
because both integrations are in development mode, which takes requests from loopback only, and
because the platforms' stand-ins are the only ones that accept them. Never use them elsewhere.
"""

import os
from pathlib import Path

import yaml

from recado.devstack.stack.ports import LOOPBACK, Ports

WHATSAPP_NAME = "whatsapp-demo"
WHATSAPP_PHONE_NUMBER_ID = "100000000000001"
WHATSAPP_VERIFY_TOKEN = "recado-demo-verify"  # noqa: S105 - public, see above
WHATSAPP_APP_SECRET = "recado-demo-app-secret"  # noqa: S105
WHATSAPP_ACCESS_TOKEN = "recado-demo-access-token"  # noqa: S105
TELEGRAM_NAME = "telegram-demo"
TELEGRAM_BOT_TOKEN = "123456789:recado-demo-bot-token"  # noqa: S105
TELEGRAM_SECRET_TOKEN = "recado-demo-secret"  # noqa: S105

# The customers of the two minimal requests in the README.
WHATSAPP_CUSTOMER = "1234567890"
TELEGRAM_CHAT = 123456

Section = dict[str, object]


def integrations(ports: Ports) -> Section:
    """Content of integrations.yaml: one integration a platform, sending to the stand-ins."""
    standins = f"http://{LOOPBACK}:{ports.standins}"
    whatsapp: Section = {
        "name": WHATSAPP_NAME,
        "platform": "whatsapp",
        "development": True,
        "phone_number_id": WHATSAPP_PHONE_NUMBER_ID,
        "access_token": WHATSAPP_ACCESS_TOKEN,
        "app_secret": WHATSAPP_APP_SECRET,
        "verify_token": WHATSAPP_VERIFY_TOKEN,
        "api_base_url": f"{standins}/graph",
    }
    telegram: Section = {
        "name": TELEGRAM_NAME,
        "platform": "telegram",
        "development": True,
        "bot_token": TELEGRAM_BOT_TOKEN,
        "secret_token": TELEGRAM_SECRET_TOKEN,
        "api_base_url": f"{standins}/telegram",
    }
    return {"integrations": [whatsapp, telegram]}


def standins_configuration(ports: Ports | None) -> Section:
    """Content of the stand-ins' file: the same credentials.

    With `ports` the statuses of what is sent are posted to ingress there; None posts none.
    """
    webhook: Section = {}
    if ports is not None:
        ingress = f"http://{LOOPBACK}:{ports.ingress}"
        webhook["url"] = f"{ingress}/api/integrations/webhooks/whatsapp/"
    whatsapp: Section = {
        "access_tokens": [WHATSAPP_ACCESS_TOKEN],
        "app_secret": WHATSAPP_APP_SECRET,
        "verify_token": WHATSAPP_VERIFY_TOKEN,
        "phone_numbers": [{"id": WHATSAPP_PHONE_NUMBER_ID}],
        "webhook": webhook,
    }
    telegram: Section = {"bots": [{"token": TELEGRAM_BOT_TOKEN}]}
    customers: list[Section] = [
        {
            "platform": "whatsapp",
            "number": WHATSAPP_CUSTOMER,
            "name": "Clienta de la demo",
            # Requests typed by hand do not tell the stand-in that the customer has just written.
            "window_stays_open": True,
        },
        {"platform": "telegram", "chat": TELEGRAM_CHAT, "name": "Cliente de la demo"},
    ]
    return {"whatsapp": whatsapp, "telegram": telegram, "customers": customers}


def write_private(path: Path, content: Section) -> None:
    """Write `content` as YAML that only this user can read; whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        yaml.safe_dump(content, file, allow_unicode=True, sort_keys=False)
    part.replace(path)
