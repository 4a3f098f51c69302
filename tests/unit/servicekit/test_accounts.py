"""What a service says of a new version of the integrations file."""

import pytest
import structlog

from recado.servicekit.accounts import tell_of_version
from recado.servicekit.exposition import exposition


@pytest.mark.parametrize("service", ["ingress", "dispatcher"])
def test_a_version_that_is_kept_out_is_in_log_and_metric_until_one_is_in_use(service: str) -> None:
    exposed = exposition(service)
    with structlog.testing.capture_logs() as said:
        tell_of_version(("integrations.yaml:3: name: is missing",))
        assert exposed.get_sample_value("recado_integrations_outdated") == 1
        tell_of_version(())
    assert exposed.get_sample_value("recado_integrations_outdated") == 0
    assert [(one["event"], one["log_level"]) for one in said] == [
        ("integrations.refused", "error"),
        ("integrations.loaded", "info"),
    ]
    assert said[0]["problems"] == ["integrations.yaml:3: name: is missing"]
