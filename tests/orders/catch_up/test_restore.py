"""After a restore the orders since the backup are fetched again, and nobody is asked twice.

Also tests:
trustsvc/backup/restore.py
"""

from datetime import timedelta

import pytest
from sqlalchemy import update

from tests.backup.backup_commands import elsewhere, run_command
from trustsvc import clock
from trustsvc.shops.models import shops
from trustsvc.storage import db

pytestmark = [pytest.mark.both_databases, pytest.mark.slow]

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.mark.parametrize(
    ("delay", "unit", "options", "fetched"),
    [
        (7, "days", [], 2),
        (7, "weekdays", [], 2),
        (5, "hours", [], 1),
        (30, "minutes", [], 0),
        (5, "hours", ["--nothing-sent-since"], 2),
    ],
)
@pytest.mark.parametrize("platform", ["woocommerce", "lightspeed"])
def test_what_came_since_the_backup_is_fetched_unless_it_may_have_been_asked_about(
    installation, tmp_path, request, connected, platform, delay, unit, options, fetched
):
    shop = connected(platform)
    with db.transaction() as session:
        session.execute(update(shops).values(delay=delay, delay_unit=unit))
    now = clock.now()
    with clock.at(now - 3 * DAY):
        shop.run()
        assert run_command("backup", tmp_path / "copy").exit_code == 0
    shop.api.place(now - 2 * DAY)
    shop.api.place(now - 2 * HOUR)
    assert shop.run()[1].new == 2

    with elsewhere(installation, tmp_path, request):
        done = run_command("restore", tmp_path / "copy", *options)
        assert done.exit_code == 0, done.output
        shop.run()

        assert shop.stored() == fetched
        later = shop.api.place(clock.now())
        shop.run()
        assert (shop.stored(), later > 0) == (fetched + 1, True)
