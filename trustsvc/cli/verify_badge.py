"""`trustsvc verify-badge`: check whether the badge on a page is genuine."""

import dataclasses
import json

import click

from trustsvc import clock
from trustsvc.badge.statement import badge_finder, verify
from trustsvc.badge.statement.badge_addresses import origin_of
from trustsvc.errors import Refused

MEANINGS = {
    verify.GENUINE: "{score:g} of 5 from {count} reviews, signed for {domain}",
    verify.OTHER_DOMAIN: "it is signed for {domain}: the badge was copied",
    verify.EXPIRED: "the statement signed for {domain} has expired",
    verify.EARLY: "the statement signed for {domain} is not valid yet: a clock is wrong",
    verify.WRONG: "no key of that service signed this badge",
    verify.NONE: "the service signs nothing for it: the domain is not proven, or the seal ended",
    verify.OTHER_NUMBERS: "signed for {domain} were {score:g} of 5 from {count} reviews",
    verify.OTHER_SERVICE: "it does not come from the service you named",
    verify.UNREADABLE: "the service it comes from does not answer with a badge",
}


@click.command("verify-badge")
@click.argument("url")
@click.option(
    "--service", metavar="ORIGIN", help="The only service that may sign: https://reviews.example."
)
@click.option("--json", "as_json", is_flag=True, help="For a program.")
@click.pass_context
def verify_badge(context: click.Context, url: str, service: str | None, as_json: bool) -> None:
    """Check every badge on the page at URL, or the badge whose JSON is there.

    Reads the statement each service signed and compares it with the page's domain and numbers.
    Exits with 0 only when there is a badge and every one is genuine. Needs no database.
    """
    origin = origin_of(service or "")
    if service and not origin:
        raise Refused("The service must look like https://reviews.example.com.")
    if not origin_of(url) and "://" not in url:
        url = f"https://{url}"
    try:
        verdicts = verify.verify_page(url, origin, clock.now())
    except badge_finder.TooManyBadges:
        raise Refused(
            f"The page has more than {badge_finder.MAX_BADGES} different badges."
        ) from None
    except badge_finder.PageTooLarge:
        raise Refused(
            "The page is larger than pages are: check the badge's own address, "
            "https://reviews.example.com/badge/v1/SHOP.json."
        ) from None
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(one) for one in verdicts]))
    else:
        for one in verdicts:
            means = MEANINGS[one.verdict].format(
                score=one.score, count=one.count, domain=one.domain or "something unreadable"
            )
            where = f"{one.origin or 'no service'} {one.shop or 'no shop'}"
            click.echo(f"{one.verdict.upper():<22} {where}: {means}")
        if not verdicts:
            click.echo("There is no badge on this page.")
    if not verdicts or not all(one.is_genuine for one in verdicts):
        context.exit(1)
