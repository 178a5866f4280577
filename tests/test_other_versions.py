"""Old and new: a database that a newer trustsvc migrated is left alone, with a sentence.

Also tests:
trustsvc/migrations/env.py
"""

from dataclasses import replace

import pytest
from click.testing import CliRunner
from sqlalchemy import text

from tests.processes.conftest import free_port
from trustsvc import __version__, cli, clock, config, migrations
from trustsvc.doctor.check import run_all
from trustsvc.storage import db

pytestmark = pytest.mark.both_databases


@pytest.fixture
def newer(installation):
    with db.transaction() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    config.use(replace(installation, port=free_port()))
    return installation


@pytest.mark.parametrize("command", [["migrate"], ["up"], ["shop", "list"]])
def test_a_newer_schema_is_one_sentence_that_names_both_versions(newer, command):
    done = CliRunner().invoke(cli.main, command)

    assert done.exit_code == 1
    assert "Traceback" not in done.output
    (sentence,) = done.output.strip().splitlines()
    assert sentence.startswith("Error: The database is at migration 9999, by a newer trustsvc;")
    assert f"this is {migrations.this()}" in sentence
    assert __version__ in sentence
    assert "install the newer one" in sentence
    assert migrations.revision() == "9999"


def test_readyz_and_doctor_do_not_ask_to_migrate_a_newer_schema(newer, client):
    checks = client.get("/readyz").json["checks"]
    (found,) = (one for one in run_all(clock.now()) if one.check == "database")

    assert checks["migrations"] == "newer than this trustsvc"
    assert found.level == "FAIL"
    assert "9999" in found.detail
    assert migrations.this() in found.detail
    assert found.remedy == "install the newer trustsvc"
