"""A command imports what it needs, and `trustsvc up` all of it before it forks.

Tests trustsvc/cli/lazy_group.py and trustsvc/preloaded.py.

One process runs the commands, the lightest first: to start another one costs a second of CPU.
"""

import json
import os
import subprocess
import sys

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
