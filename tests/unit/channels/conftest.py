"""Integrations that the tests of this folder share."""

import pytest

from recado.channels.telegram import TelegramIntegration
from recado.channels.whatsapp import WhatsAppIntegration


@pytest.fixture
def whatsapp() -> WhatsAppIntegration:
    return WhatsAppIntegration.model_validate(
        {
            "name": "wa",
            "platform": "whatsapp",
            "phone_number_id": "100000000000001",
            "access_token": "graph-token",
            "app_secret": "app-secret",
            "verify_token": "verify-me",
        }
    )


@pytest.fixture
def telegram() -> TelegramIntegration:
    return TelegramIntegration.model_validate(
        {
            "name": "tg",
            "platform": "telegram",
            "bot_token": "42:bot-token",
            "secret_token": "hook-secret",
        }
    )
