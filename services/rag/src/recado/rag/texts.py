"""Everything that a customer reads which no model wrote, by name, in one catalogue per language.

A catalogue is `catalogue/<language>.yaml`: a name, a text, `{placeholders}`. The names and their
placeholders are listed here, and a catalogue that lacks one or has another fails at start-up, so a
translation can't be found wanting by a customer.
"""

import string
from collections.abc import Mapping
from importlib import resources
from types import MappingProxyType

import yaml

PLACEHOLDERS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "introduction": frozenset(),
        "welcome": frozenset(),
        "help": frozenset(),
        "reset": frozenset(),
        "opted_out": frozenset(),
        "opted_in": frozenset(),
        "greeting": frozenset(),
        "thanks": frozenset(),
        "goodbye": frozenset(),
        "voice_unreadable": frozenset(),
        "image_unreadable": frozenset(),
        "other_unreadable": frozenset(),
        "attachment_ignored": frozenset(),
        "apology": frozenset(),
        "apology_again": frozenset(),
        "not_known": frozenset(),
        "not_known_near": frozenset({"titles"}),
        "extract": frozenset({"passage"}),
        "extract_weak": frozenset({"passage"}),
        "did_you_mean": frozenset({"titles"}),
        "sources": frozenset({"sources"}),
    }
)
"""The texts there are, and the placeholders of each."""


class IncompleteCatalogue(Exception):
    """A catalogue does not have the texts that it must have."""


class Texts:
    """One language's texts."""

    def __init__(self, catalogue: Mapping[str, str]) -> None:
        """Check the catalogue. Raises `IncompleteCatalogue`."""
        wrong = sorted(catalogue.keys() ^ PLACEHOLDERS.keys())
        if wrong:
            raise IncompleteCatalogue(f"missing or unknown texts: {', '.join(wrong)}")
        for name, text in catalogue.items():
            if not text.strip() or _placeholders(text) != PLACEHOLDERS[name]:
                raise IncompleteCatalogue(f"text {name!r} is blank or has other placeholders")
        self._catalogue = {name: text.strip() for name, text in catalogue.items()}

    def get(self, name: str, **values: str) -> str:
        """The text of this name, its placeholders filled in."""
        return self._catalogue[name].format(**values)


def load(language: str = "es") -> Texts:
    """The catalogue of a language. Raises `IncompleteCatalogue`."""
    file = resources.files("recado.rag").joinpath("catalogue", f"{language}.yaml")
    if not file.is_file():
        raise IncompleteCatalogue(f"there is no catalogue for {language!r}")
    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    if not isinstance(content, dict):
        raise IncompleteCatalogue(f"the catalogue of {language!r} is not a mapping")
    return Texts({str(name): str(text) for name, text in content.items()})


def _placeholders(text: str) -> frozenset[str]:
    return frozenset(name for _, name, _, _ in string.Formatter().parse(text) if name is not None)
