"""The command line: `trustsvc <command>`; one module a group, imported when it is called."""

import gc
import logging
import os

import click
from sqlalchemy.exc import InterfaceError, OperationalError

from trustsvc import __version__, message_kinds
from trustsvc.cli.lazy_group import LazyGroup
from trustsvc.crypto import keyring
from trustsvc.errors import TrustsvcError
from trustsvc.log import configure  # `trustsvc.cli.log` is the command of that name
from trustsvc.mail.outbox import kinds

COMMANDS = {
    "up": "trustsvc.cli.up:up",
    "web": "trustsvc.cli.processes:web",
    "worker": "trustsvc.cli.workers:worker",
    "mailer": "trustsvc.cli.workers:mailer",
    "scheduler": "trustsvc.cli.processes:scheduler",
    "migrate": "trustsvc.cli.processes:migrate",
    "database": "trustsvc.cli.database:database",
    "demo": "trustsvc.cli.demo:demo",
    "shop": "trustsvc.cli.shop:shop",
    "staff": "trustsvc.cli.staff:staff",
    "person": "trustsvc.cli.person:person",
    "objections": "trustsvc.cli.objections:objections",
    "reviews": "trustsvc.cli.reviews:reviews",
    "log": "trustsvc.cli.log:log",
    "purge": "trustsvc.cli.purge:purge",
    "privacy": "trustsvc.cli.privacy:privacy",
    "tick": "trustsvc.cli.tick:tick",
    "backup": "trustsvc.cli.backup:backup",
    "restore": "trustsvc.cli.restore:restore_command",
    "keys": "trustsvc.cli.keys:keys",
    "bounce": "trustsvc.cli.bounce:bounce",
    "mail": "trustsvc.cli.mail:mail",
    "clock": "trustsvc.cli.clock:clock_commands",
    "doctor": "trustsvc.cli.doctor:doctor",
    "verify-badge": "trustsvc.cli.verify_badge:verify_badge",
}

PROCESSES = {"up", "web", "worker", "mailer", "scheduler"}


class _Commands(LazyGroup):
    """Says in a sentence what went wrong, without a traceback."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except TrustsvcError as error:
            raise click.ClickException(error.detail) from None
        except (OperationalError, InterfaceError):
            raise click.ClickException(
                "The database cannot be reached or written: see TRUSTSVC_DATABASE_URL and "
                "TRUSTSVC_DATA."
            ) from None
        except BrokenPipeError:
            raise  # whoever read the output has enough of it: click ends quietly
        except OSError as problem:
            raise click.ClickException(
                f"A file or folder cannot be used ({type(problem).__name__}): see TRUSTSVC_DATA, "
                "its owner and its free space."
            ) from None


def _require_first_key(kind: str) -> None:
    from trustsvc.storage import key_checks  # most commands make no key

    key_checks.require_first(kind)


def _announce_key(kind: str, key: keyring.Key) -> None:
    from trustsvc.storage import key_checks

    key_checks.announce(kind, key)


@click.group(cls=_Commands, lazy=COMMANDS)
@click.version_option(__version__)
@click.pass_context
def main(context: click.Context) -> None:
    """Review invitations and trust badges that can prove what they promise."""
    kinds.register_when_needed(message_kinds.register)
    keyring.ask_before_first(_require_first_key)
    keyring.announce_before_use(_announce_key)
    gc.freeze()  # what is imported stays; see trustsvc/__main__.py
    gc.enable()
    os.umask(0o077)  # only the owner may read what the service writes
    is_process = context.invoked_subcommand in PROCESSES
    configure(logging.INFO if is_process else logging.WARNING)
