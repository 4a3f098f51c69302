"""The overlay, built once."""

import pytest

from support.manifests import EXAMPLE, Manifests, built_text


@pytest.fixture(scope="session")
def example() -> Manifests:
    """deploy/kubernetes/overlays/example as it would be applied."""
    return Manifests(built_text(EXAMPLE))
