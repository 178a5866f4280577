from datetime import timedelta

import pytest

from jobs.purge_server_log import purge_server_log
from trustsvc import clock
from trustsvc.privacy import receipts
from trustsvc.storage import db

pytestmark = pytest.mark.both_databases


def _receipts():
    with db.reading() as session:
        return [one for one, _, _ in receipts.chain(session)]


def test_no_line_reaches_90_days_and_none_below_89_goes_while_the_clock_ticks(installation):
    folder = installation.data / "log"
    folder.mkdir()
    hour = clock.now().replace(minute=0, second=0, microsecond=0)
    path = folder / hour.strftime("access-%Y-%m-%dT%H.log")
    path.write_text("line\n")

    for age in (timedelta(days=89), timedelta(days=89, hours=22, minutes=59)):
        with clock.at(hour + age):
            purge_server_log()
        assert path.exists()
    assert _receipts() == []

    with clock.at(hour + timedelta(days=89, hours=23, minutes=9)):
        purge_server_log()
        purge_server_log()

    assert not path.exists()
    (receipt,) = _receipts()
    assert (receipt.what, receipt.number) == ("server_log", 1)
    assert hour <= receipt.before < hour + timedelta(hours=1)
