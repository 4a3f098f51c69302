"""The integrations file: what is taken, and that every fault is named with its line."""

from pathlib import Path

import pytest

from recado.channels.errors import InvalidIntegrations
from recado.channels.integrations import Integrations, load_integrations
from recado.channels.telegram import TelegramIntegration
from recado.channels.whatsapp import WhatsAppIntegration
from recado.schemas.base import Platform

GOOD = """\
integrations:
  - name: whatsapp-demo
    platform: whatsapp
    phone_number_id: 0100
    access_token: ${WA_TOKEN}
    app_secret: ${WA_SECRET}
    app_secrets: [old-secret]
    verify_token: v
  - name: telegram-demo
    platform: telegram
    development: yes
    bot_token: "12:${TG_TOKEN}"
  - name: off
    platform: telegram
    enabled: false
    bot_token: 13:abc
    secret_token: s
"""
ENVIRON = {"WA_TOKEN": "wa:{token}#", "WA_SECRET": "hush: 'x'\n", "TG_TOKEN": "abc"}


def load(tmp_path: Path, text: str, environ: dict[str, str] | None = None) -> Integrations:
    path = tmp_path / "integrations.yaml"
    path.write_text(text, encoding="utf-8")
    return load_integrations(path, ENVIRON if environ is None else environ)


def problems(tmp_path: Path, text: str, environ: dict[str, str] | None = None) -> str:
    with pytest.raises(InvalidIntegrations) as caught:
        load(tmp_path, text, environ)
    return "\n".join(caught.value.problems)


def test_values_come_as_written_and_references_are_put_in_after_the_yaml_is_read(
    tmp_path: Path,
) -> None:
    one = load(tmp_path, GOOD).named(Platform.WHATSAPP, "whatsapp-demo")
    assert isinstance(one, WhatsAppIntegration)
    assert one.phone_number_id == "0100"
    assert one.access_token.get_secret_value() == "wa:{token}#"
    assert one.signing_secrets() == (b"hush: 'x'", b"old-secret")
    assert one.api_version == "v26.0"
    assert one.api_base_url == "https://graph.facebook.com"
    assert one.enabled
    assert not one.development


def test_networks_and_rate_are_read_with_their_types(tmp_path: Path) -> None:
    door = """\
    allowed_networks: [149.154.160.0/20, "2001:67c:4e8::/48"]
    requests_per_second: 2.5
    requests_burst: 7
    verify_tokens: [w]
    verify_token: v
"""
    one = load(tmp_path, GOOD.replace("    verify_token: v\n", door)).named(
        Platform.WHATSAPP, "whatsapp-demo"
    )
    assert isinstance(one, WhatsAppIntegration)
    assert [str(network) for network in one.allowed_networks] == [
        "149.154.160.0/20",
        "2001:67c:4e8::/48",
    ]
    assert (one.requests_per_second, one.requests_burst) == (2.5, 7)
    assert one.handshake_secrets() == (b"v", b"w")


def test_a_disabled_integration_is_not_found(tmp_path: Path) -> None:
    integrations = load(tmp_path, GOOD)
    assert [one.name for one in integrations.of(Platform.TELEGRAM)] == ["telegram-demo"]
    assert integrations.named(Platform.TELEGRAM, "off") is None
    assert integrations.named(Platform.TELEGRAM, "whatsapp-demo") is None
    assert [one.name for one in integrations] == ["whatsapp-demo", "telegram-demo", "off"]


def test_no_secret_is_in_a_repr(tmp_path: Path) -> None:
    shown = repr(list(load(tmp_path, GOOD)))
    for secret in ("hush", "old-secret", "{token}", "12:abc", "13:abc"):
        assert secret not in shown


def test_whatsapp_without_app_secret_is_refused_unless_in_development(tmp_path: Path) -> None:
    unsigned = GOOD.replace("    app_secret: ${WA_SECRET}\n    app_secrets: [old-secret]\n", "")
    found = problems(tmp_path, unsigned)
    assert "integrations.yaml:2: integrations[0]: app_secret is missing" in found
    in_development = unsigned.replace(
        "    verify_token: v", "    verify_token: v\n    development: true"
    )
    assert load(tmp_path, in_development).named(Platform.WHATSAPP, "whatsapp-demo")


def test_telegram_without_secret_token_is_refused_unless_in_development(tmp_path: Path) -> None:
    found = problems(tmp_path, GOOD.replace("    development: yes\n", ""))
    assert "integrations.yaml:9: integrations[1]: secret_token is missing" in found
    assert isinstance(
        load(tmp_path, GOOD).named(Platform.TELEGRAM, "telegram-demo"), TelegramIntegration
    )


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("${WA_SECRET}", "${GONE}", ":6: integrations[0].app_secret: the environment has no GONE"),
        ("0100", "+1-00", ":4: integrations[0].phone_number_id:"),
        ("${WA_SECRET}", '""', ":6: integrations[0].app_secret:"),
        ("${WA_TOKEN}", "'top secret'", ":5: integrations[0].access_token: must be visible ASCII"),
        ("12:${TG_TOKEN}", "top-secret", ":12: integrations[1].bot_token: must be a bot's token"),
        ("platform: whatsapp", "platform: pigeon", ":3: integrations[0].platform: must be one of"),
        ("app_secret:", "app_sekret:", ":6: integrations[0].app_sekret:"),
        ("name: off", "name: telegram-demo", "telegram-demo: another telegram integration"),
        ("name: off", "name: 'a:b'", ":13: integrations[2].name:"),
        ("token: v", "token: v\n    verify_token: w", ":9: integrations[0].verify_token: is there"),
        ("integrations:", "integration:", ":1: the file: must be a mapping"),
        ("[old-secret]", "[top-secret", "not YAML"),
        ("token: v", "token: v\n    allowed_networks: [10.0.0.1/8]", ":9: integrations[0].allowed"),
        ("token: v", "token: v\n    allowed_networks: 10.0.0.0/8", ":9: integrations[0].allowed"),
        ("token: v", "token: v\n    requests_per_second: 0", ":9: integrations[0].requests_per"),
        ("token: v", "token: v\n    requests_per_second: .inf", ":9: integrations[0].requests_"),
        ("token: v", "token: v\n    verify_tokens: [a, '']", ":9: integrations[0].verify_tokens["),
    ],
)  # fmt: skip
def test_every_fault_is_named_with_line_and_key_and_no_value(
    tmp_path: Path, old: str, new: str, expected: str
) -> None:
    found = problems(tmp_path, GOOD.replace(old, new, 1))
    assert expected in found
    for value in ("top secret", "top-secret", "hush", "{token}"):
        assert value not in found


def test_two_enabled_integrations_can_not_have_what_chooses_between_them(tmp_path: Path) -> None:
    text = GOOD.replace("    enabled: false\n", "").replace(
        "    development: yes\n", "    secret_token: s\n"
    )
    found = problems(tmp_path, text)
    assert found == "integrations.yaml: off.secret_token: is the same as that of telegram-demo"


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidIntegrations, match=r"none\.yaml: can't be read"):
        load_integrations(tmp_path / "none.yaml", {})
