"""The integrations file, as the commands need it."""

import os

from recado.channels.contract import Integration
from recado.channels.errors import InvalidIntegrations
from recado.channels.integrations import Integrations, load_integrations
from recado.cli.output import CliError
from recado.cli.settings import CliSettings
from recado.schemas.base import Platform


def load(settings: CliSettings) -> Integrations:
    """The configured integrations, or the sentence that says what is wrong with the file."""
    try:
        return load_integrations(settings.integrations_file, os.environ)
    except InvalidIntegrations as invalid:
        raise CliError("; ".join(invalid.problems)) from invalid


def choose(integrations: Integrations, platform: Platform, name: str | None) -> Integration:
    """The integration of that name, or the only one of its platform."""
    candidates = integrations.of(platform)
    if name is not None:
        found = integrations.named(platform, name)
        if found is None:
            known = ", ".join(one.name for one in candidates) or "none"
            raise CliError(f"No {platform.value} integration is called {name!r}; there is {known}.")
        return found
    if len(candidates) != 1:
        known = ", ".join(one.name for one in candidates) or "none"
        raise CliError(
            f"Name the {platform.value} integration with --integration; there is {known}."
        )
    return candidates[0]
