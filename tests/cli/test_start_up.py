"""A command imports what it needs, and `trustsvc up` all of it before it forks.

Tests trustsvc/cli/lazy_group.py and trustsvc/preloaded.py.

One process runs the commands, the lightest first: to start another one costs a second of CPU.
"""

import json
import os
import subprocess
import sys

import pytest

from tests import command_server

HEAVY = {
    "alembic",
    "babel.dates",
    "dns",
    "flask",
    "jinja2",
    "psycopg",
    "redis",
    "requests",
    "rq",
    "sqlalchemy.dialects.postgresql",
    "trustsvc.app",
    "trustsvc.orders.platforms",
    "trustsvc.transactional_mail.message_kind",
}
NEW_SHOP = (
    "shop add --name Lamp --domain lamp.example --platform standard --may-ask customers --json"
)
# No process uses these, or only with PostgreSQL, whose database `up` opens before it forks.
NOT_SHARED = {"alembic", "dns", "psycopg", "sqlalchemy.dialects.postgresql"}
# What a command may import of these, as it uses it.
COMMANDS = {
    "staff add": set(),
    "keys list": set(),
    "shop list": set(),
    "backup {data}/../backup": set(),
    "person tell --help": set(),
    NEW_SHOP: {"redis", "rq"},  # it enqueues a job
    "shop set lamp --reminder-days 7": {"redis", "rq"},
    "purge --dry-run": {"redis", "rq"},
}
RUN = """
import json, sys
from click.testing import CliRunner
from trustsvc import cli

heavy, *commands = json.loads(sys.argv[1])
found = []
for command in commands:
    done = CliRunner().invoke(cli.main, command.split(), catch_exceptions=False)
    found.append([done.exit_code, sorted(set(heavy) & set(sys.modules))])
from trustsvc.cli import child_process
child_process.share_imports()
found.append([0, sorted(set(heavy) & set(sys.modules))])
print(json.dumps(found))
"""


def test_a_command_imports_what_it_needs_and_up_imports_all_before_it_forks(installation):
    environ = os.environ | {
        "TRUSTSVC_DATA": str(installation.data),
        "TRUSTSVC_REDIS_URL": installation.redis_url,
    }
    given = json.dumps([sorted(HEAVY), *(one.format(data=installation.data) for one in COMMANDS)])

    done = subprocess.run(
        [sys.executable, "-c", RUN, given], env=environ, capture_output=True, text=True, check=True
    )

    *commands, shared = json.loads(done.stdout)
    for (command, allowed), (code, found) in zip(COMMANDS.items(), commands, strict=True):
        assert (command, code) == (command, 0)
        assert (command, set(found) - allowed) == (command, set())
    assert HEAVY - NOT_SHARED - set(shared[1]) == set()


@pytest.mark.slow
def test_a_command_that_is_forked_ends_as_one_that_is_started(installation):
    """It stands for `python -m trustsvc` in many tests, so it has to say the same."""
    environ = os.environ | {"TRUSTSVC_DATA": str(installation.data)}
    words = ["tick", "--at", "noon"]

    forked = command_server.run(words, environ)
    started = subprocess.run(
        [sys.executable, "-m", "trustsvc", *words],
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (forked.returncode, forked.stdout) == (started.returncode, started.stdout)
    assert forked.stderr == started.stderr
    assert "write it like" in forked.stderr


@pytest.mark.slow
def test_forked_commands_share_no_settings_and_none_of_their_modules(installation, tmp_path):
    """One after another: each reads its own environment and input, and imports for itself."""
    environ = os.environ | {"TRUSTSVC_DATA": str(installation.data)}
    shop = [*NEW_SHOP.split()[:-1], "--json"]

    here = command_server.run(shop, environ)
    there = command_server.run(["shop", "list"], environ | {"TRUSTSVC_DATA": str(tmp_path / "b")})

    assert json.loads(here.stdout)["shop"]
    assert "There are no shops yet" in there.stdout
    assert command_server.run(["shop", "list"], environ).stdout.startswith("lamp")
