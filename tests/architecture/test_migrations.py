"""The head of the migrations is what the models say, and the way back works.

Also tests:
trustsvc/migrations/env.py
"""

import os
import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import CheckConstraint, inspect, select, text, update

from tests import all_tables
from tests.invitations.sample_orders import (
    NOON,
    invitation_of,
    invited,
    message_of,
    message_values,
    place,
    quiet,
    sent,
    shop,
)
from tests.reviews import sample_reviews
from trustsvc import clock, migrations
from trustsvc.crypto import encrypted_column, signed_links
from trustsvc.errors import Misconfigured
from trustsvc.invitations.planning.reminders import plan_due_reminders
from trustsvc.mail.feedback.webhooks import endpoints
from trustsvc.orders.models import orders
from trustsvc.orders.platform_status import PlatformStatus
from trustsvc.registry import double_opt_in, registration
from trustsvc.registry.models import registered_buyers
from trustsvc.reviews import moderate, publish, star_counts
from trustsvc.shops import directory, webhook_auth
from trustsvc.storage import columns, db

pytestmark = pytest.mark.both_databases

all_tables.load()


def differences():
    with db.engine().connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        return compare_metadata(context, columns.metadata)


def allowed_values(checks):
    """Give the values that each check lists; PostgreSQL writes them another way."""
    return sorted(sorted(re.findall(r"'([^']*)'", sql)) for sql in checks)


def names():
    return set(inspect(db.engine()).get_table_names())


def test_the_checks_of_the_database_allow_the_values_of_the_models(installation):
    there = inspect(db.engine())

    for table in columns.metadata.tables.values():
        checks = [one for one in table.constraints if isinstance(one, CheckConstraint)]
        found = there.get_check_constraints(table.name)
        assert allowed_values(one["sqltext"] for one in found) == allowed_values(
            str(one.sqltext) for one in checks
        ), table.name


def test_the_head_is_what_the_models_say(installation):
    assert differences() == []
    assert migrations.is_current()


def test_a_file_name_begins_with_the_number_of_its_migration():
    scripts = ScriptDirectory(migrations.FOLDER)
    known = {one.revision: Path(one.path).name for one in scripts.walk_revisions()}

    assert all(name.startswith(f"{number}_") for number, name in known.items())
    assert all(map(migrations.knows, known))
    assert len(known) == len(list(migrations.FOLDER.glob("versions/[0-9]*.py")))
    assert migrations.this().endswith(scripts.get_current_head())


def test_whoever_only_asks_for_the_migration_does_not_import_alembic(installation):
    code = (
        "import sys; from trustsvc import health, migrations;"
        "assert migrations.is_current() and not migrations.is_newer() and migrations.this();"
        "sys.exit('alembic' in sys.modules)"
    )
    environ = os.environ | {"TRUSTSVC_DATA": str(installation.data)}
    environ |= {"TRUSTSVC_DATABASE_URL": installation.database_url}

    assert subprocess.run([sys.executable, "-c", code], env=environ, check=False).returncode == 0


def test_an_empty_database_is_at_no_migration_and_behind(installation):
    with db.transaction() as session:
        session.execute(text("DROP TABLE alembic_version"))

    assert migrations.revision() is None
    assert not migrations.is_current()
    assert not migrations.is_newer()


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


OF_BEFORE = (
    """INSERT INTO pending_registrations
    (link, address, shop_id, consent_version, language, source, requested_at)
    VALUES (:register, :sealed, 1, 'registration-1', 'nl', 'page', :now)""",
    """INSERT INTO my_data_links (link, pseudonym, address, language, at)
    VALUES (:me, :me, :sealed, 'nl', :now)""",
    """INSERT INTO mail_endpoints (endpoint_id, provider, secret, made_at)
    VALUES (:endpoint, 'postmark', :sealed, :now)""",
)


class Before:
    """What people and platforms hold that schema 0005 made: links and addresses."""

    def __init__(self):
        at_shop = shop()
        self.shop = at_shop
        self.invitation = invitation_of(invited(at_shop, clock.now())).link
        ids = {name: signed_links.new_id() for name in ("leave", "register", "me")}
        self.leave, self.register, self.me = ids.values()
        self.mail_endpoint = "0123456789abcdef" * 2
        with db.transaction() as session:
            registration.register(session, "ann@mail.example", "v1", "page", NOON)
            session.execute(update(registered_buyers).values(link=self.leave))
        migrations.downgrade("0005")
        now = round(clock.now().timestamp() * 1000)
        sealed = encrypted_column.encrypt("ann@mail.example")
        with db.transaction() as session:
            values = {**ids, "sealed": sealed, "now": now, "endpoint": self.mail_endpoint}
            for statement in OF_BEFORE:
                session.execute(text(statement), values)

    def links(self):
        return [
            ("review", self.invitation),
            ("stop", self.invitation),
            ("me", self.invitation),
            ("me", self.me),
            ("register", self.register),
            ("leave", self.leave),
        ]


def stored(column):
    table, name = column.split(".")
    with db.reading() as session:
        (value,) = session.scalars(text(f"SELECT {name} FROM {table}"))
    return value if isinstance(value, str) else bytes(value)


def test_links_and_addresses_from_before_0006_stay_good(installation, client):
    before = Before()
    assert stored("invitations.link") == before.invitation
    assert stored("registered_buyers.link") == before.leave
    assert stored("shops.endpoint_id") == before.shop.endpoint_id
    migrations.upgrade()

    for purpose, link_id in before.links():
        answer = client.get(
            f"/{signed_links.PATHS[purpose]}/{signed_links.token(purpose, link_id)}"
        )
        assert (answer.status_code, purpose) == (200, purpose)
    with db.transaction() as session:
        assert registration.consent_proof(session, before.leave)
        assert directory.by_id(session, before.shop.id) == before.shop
        assert webhook_auth.endpoint_shop_id(session, "standard", before.shop.endpoint_id)
        assert endpoints.find(session, "postmark", before.mail_endpoint).beginning == "012345"
        assert double_opt_in.confirm(session, before.register, clock.now()).confirmed
    for column in ("invitations.link", "registered_buyers.link", "my_data_links.link_hash"):
        assert len(stored(column)) in {32, 33}
    assert before.shop.endpoint_id not in stored("shops.endpoint_id")
    migrations.downgrade("0005")
    assert stored("invitations.link") == before.invitation


def test_with_the_keys_of_another_database_0006_changes_nothing(installation):
    before = Before()
    path = installation.data / "keys" / "vault"
    right = path.read_text()
    path.unlink()
    with pytest.raises(Misconfigured, match="put its keys back"):
        migrations.upgrade()

    assert migrations.revision() == "0005"
    assert stored("invitations.link") == before.invitation
    path.write_text(right)
    later = path.stat().st_mtime_ns + 1_000_000
    os.utime(path, ns=(later, later))
    migrations.upgrade()
    assert migrations.is_current()


def test_0006_changes_all_rows_of_a_large_table(installation):
    before = Before()
    with db.transaction() as session:
        session.execute(
            text(
                "INSERT INTO registered_buyers (pseudonym, at, consent_version, source, link)"
                " VALUES (:pseudonym, 0, 'v1', 'page', :link)"
            ),
            [
                {"pseudonym": b"\1\1%016d" % number, "link": b"%016d" % number}
                for number in range(2500)
            ],
        )
    migrations.upgrade()

    with db.reading() as session:
        raw = session.scalars(text("SELECT link FROM registered_buyers")).all()
        links = session.scalars(select(registered_buyers.c.link)).all()
    assert {len(one) for one in raw} == {33}
    assert set(links) == {before.leave, *(b"%016d" % number for number in range(2500))}


def test_upgrading_twice_changes_nothing(installation):
    migrations.upgrade()
    migrations.upgrade()

    assert migrations.is_current()


def test_0008_plans_no_second_reminder_and_the_first_where_there_was_none(installation):
    at_shop = shop(reminder_days=3)
    asked = [invited(at_shop, NOON, email=f"{name}@mail.example") for name in ("ann", "bo")]
    sent(now=NOON)
    migrations.downgrade("0007")
    values = message_values(invitation_of(asked[0]).id, "reminder", NOON + timedelta(days=3))
    with db.transaction() as session:
        names = ", ".join(values)
        marks = ", ".join(f":{name}" for name in values)
        moments = {k: round(v.timestamp() * 1000) for k, v in values.items() if k.endswith("_at")}
        session.execute(text(f"INSERT INTO messages ({names}) VALUES ({marks})"), values | moments)

    migrations.upgrade()

    with quiet(), db.transaction() as session:
        assert plan_due_reminders(session, NOON + timedelta(days=4)) == 1
    assert message_of(asked[1], "reminder").state == "due"
    assert message_of(asked[0], "reminder").state == "sent"


def test_0015_counts_what_was_published_by_day(installation):
    at_shop = sample_reviews.shop()
    for stars, at in ((5, NOON), (5, NOON), (2, NOON - timedelta(days=1))):
        public_id = sample_reviews.review(at_shop, stars=stars)
        with db.transaction() as session:
            moderate.approve(session, public_id, "staff 1", at)
            publish.publish_approved(session, at)
    migrations.downgrade("0014")

    migrations.upgrade()

    with db.reading() as session:
        midnight = NOON.replace(hour=0)
        assert star_counts.read_since(session, at_shop.id, midnight) == {5: 2}
        assert star_counts.read_since(session, at_shop.id, NOON - timedelta(days=2)) == {5: 2, 2: 1}
        assert star_counts.differing(session) == []


def test_0009_counts_what_is_published(installation):
    at_shop = sample_reviews.shop()
    for stars in (5, 5, 2):
        public_id = sample_reviews.review(at_shop, stars=stars)
        with db.transaction() as session:
            moderate.approve(session, public_id, "staff 1", NOON)
            publish.publish_approved(session, NOON)
    migrations.downgrade("0008")

    migrations.upgrade()

    with db.reading() as session:
        assert star_counts.read(session, [at_shop.id]) == {at_shop.id: {5: 2, 2: 1}}
