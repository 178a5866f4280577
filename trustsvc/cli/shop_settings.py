"""The options of a shop's settings, for `shop add` and `shop set`."""

from collections.abc import Callable
from pathlib import Path

import click

from trustsvc.shops import settings

Decorator = Callable[[Callable[..., None]], Callable[..., None]]


def _delay_options() -> list[Decorator]:
    return [
        click.option("--delay-days", type=int, help="Days after the moment (default 7)."),
        click.option("--delay", type=int, help="How long after the moment, in --delay-unit."),
        click.option(
            "--delay-unit",
            type=click.Choice(settings.CHOICES["delay_unit"]),
            help="The unit of --delay.",
        ),
        click.option(
            "--moment",
            type=click.Choice(settings.CHOICES["moment"]),
            help="The event of an order after which the delay begins.",
        ),
    ]


def setting_options(*, needed: bool) -> Decorator:
    """Add the options of a shop's settings; `needed`: name and domain are required."""
    options: list[Decorator] = [
        click.option("--name", required=needed, help="As buyers know the shop."),
        click.option("--domain", required=needed, help="Where the badge is shown."),
        *_delay_options(),
        click.option(
            "--may-ask",
            type=click.Choice(settings.CHOICES["may_ask"]),
            help="Whom the shop may ask. `customers` is your confirmation that buyers are informed "
            "at checkout.",
        ),
        click.option(
            "--wording",
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            help="A text file: what buyers read at the checkout. Recorded with its date.",
        ),
        click.option(
            "--reply-to", help="The shop's own address, for answers of buyers; empty for none."
        ),
        click.option(
            "--skip",
            help="Orders not to ask about, comma-separated: "
            f"{', '.join(settings.SKIPPABLE)}, tag:NAME (default {settings.DEFAULT_SKIP}).",
        ),
        click.option(
            "--fallback",
            type=click.Choice(settings.CHOICES["fallback"]),
            help="What happens to an order that is paid and never reported as sent.",
        ),
        click.option(
            "--language",
            type=click.Choice(settings.CHOICES["language"]),
            help="Of e-mails and pages, where an order names none of ours.",
        ),
        click.option("--zone", help="Time zone of e-mails, such as Europe/Amsterdam."),
    ]

    def add(command: Callable[..., None]) -> Callable[..., None]:
        for option in reversed(options):
            command = option(command)
        return command

    return add
