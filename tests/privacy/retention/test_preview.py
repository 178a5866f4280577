from datetime import UTC, datetime, timedelta

import pytest

from trustsvc.privacy.retention.preview import HORIZON, MINUTE, first_minute

NOW = datetime(2026, 6, 10, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("ahead", "found"),
    [
        (timedelta(0), NOW),
        (-timedelta(days=3), NOW),
        (MINUTE, NOW + MINUTE),
        (timedelta(seconds=1), NOW + MINUTE),
        (timedelta(days=90, seconds=30), NOW + timedelta(days=90) + MINUTE),
        (HORIZON * MINUTE, NOW + HORIZON * MINUTE),
        (HORIZON * MINUTE + MINUTE, None),
    ],
)
def test_the_first_minute_is_found_to_the_minute(ahead, found):
    assert found == first_minute(lambda at: at >= NOW + ahead, NOW)


def test_few_questions_are_asked():
    asked = []

    def holds(at):
        asked.append(at)
        return at >= NOW + timedelta(days=1000)

    first_minute(holds, NOW)

    assert len(asked) <= 26
