"""Telegram: the secret token."""

import pytest

from recado.channels.contract import WebhookRequest
from recado.channels.errors import NotAuthentic
from recado.channels.telegram import TelegramIntegration
from recado.channels.telegram.verify import authenticate


def request(header: str | None, client: str = "203.0.113.5") -> WebhookRequest:
    headers = {} if header is None else {"x-telegram-bot-api-secret-token": header}
    return WebhookRequest(headers=headers, query={}, body=b"{}", client_host=client)


def test_the_secret_tells_which_bot_an_update_is_for(telegram: TelegramIntegration) -> None:
    other = TelegramIntegration.model_validate(
        {**telegram.model_dump(), "name": "other", "secret_token": "b", "secret_tokens": ["c"]}
    )
    assert authenticate(request("hook-secret"), [telegram, other]) == (telegram,)
    assert authenticate(request("b"), [telegram, other]) == (other,)
    assert authenticate(request("c"), [telegram, other]) == (other,)


@pytest.mark.parametrize("development", [False, True])
@pytest.mark.parametrize("header", ["hook-secre", "hook-secret ", "", "é", "\ud800", "None"])
def test_a_wrong_secret_is_refused_in_every_mode_from_everywhere(
    telegram: TelegramIntegration, header: str, development: bool
) -> None:
    integration = telegram.model_copy(update={"development": development})
    without = integration.model_copy(update={"secret_token": None})
    with pytest.raises(NotAuthentic) as refused:
        authenticate(request(header, client="127.0.0.1"), [integration, without])
    assert "hook-secret" not in str(refused.value)
