"""The head of the migrations is what the models say, and the way back works.

Also tests:
trustsvc/migrations/env.py
"""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect, select

from tests import all_tables
from tests.invitations.sample_orders import NOON, place, shop
from trustsvc import migrations
from trustsvc.orders.models import orders
from trustsvc.orders.platform_status import PlatformStatus
from trustsvc.storage import columns, db

pytestmark = pytest.mark.both_databases

all_tables.load()


def differences():
    with db.engine().connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        return compare_metadata(context, columns.metadata)


def names():
    return set(inspect(db.engine()).get_table_names())


def test_the_head_is_what_the_models_say(installation):
    assert differences() == []
    assert migrations.is_current()


def test_up_down_and_up_again(installation):
    before = names()

    migrations.downgrade("base")
    emptied = names()
    migrations.upgrade()

    assert emptied == {"alembic_version"}
    assert before == names()
    assert differences() == []


def test_the_status_of_an_order_keeps_its_value_under_its_new_name(installation):
    order_id = place(shop(), NOON, identity="1", platform_status=PlatformStatus.ON_HOLD)
    migrations.downgrade("0001")
    migrations.upgrade()

    with db.reading() as session:
        status = session.scalar(select(orders.c.platform_status).where(orders.c.id == order_id))
    assert status == PlatformStatus.ON_HOLD


def test_upgrading_twice_changes_nothing(installation):
    migrations.upgrade()
    migrations.upgrade()

    assert migrations.is_current()
