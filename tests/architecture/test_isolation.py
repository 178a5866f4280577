"""No test depends on how fast the machine is, or on what lies in the folder it runs in."""

from pathlib import Path

import hypothesis

from trustsvc import config

ROOT = Path(__file__).parents[2]


def test_hypothesis_sets_no_time_limit_that_a_slow_machine_exceeds():
    assert hypothesis.settings.default.deadline is None
    assert hypothesis.HealthCheck.too_slow in hypothesis.settings.default.suppress_health_check


def test_a_test_without_an_installation_uses_no_data_folder_of_the_repository():
    config.use(None)

    assert not config.current().data.is_relative_to(ROOT)
