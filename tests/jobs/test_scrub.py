import pytest

from jobs.scrub import scrub
from tests.reviews.sample_reviews import shop

pytestmark = pytest.mark.both_databases


def test_the_job_empties_the_write_ahead_log_however_often(installation, database):
    shop()

    scrub()
    scrub()

    if database == "sqlite":
        assert (installation.data / "trustsvc.db-wal").stat().st_size == 0
