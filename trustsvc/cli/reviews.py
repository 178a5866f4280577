"""`trustsvc reviews`: moderate reviews from the command line."""

import json
import sys

import click

from trustsvc import clock
from trustsvc.badge import refresh
from trustsvc.reviews import lookup, moderate, publish, reply, star_counts
from trustsvc.reviews.policy import REASONS
from trustsvc.reviews.state import ReviewState
from trustsvc.shops import directory
from trustsvc.storage import db

BY = "command line"
MAX_BYTES = 65_536
STATES = [state.value for state in ReviewState]


@click.group()
def reviews() -> None:
    """List reviews and decide on them."""


@reviews.command("list")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.option("--shop", "slug", help="Of this shop only.")
@click.option("--state", type=click.Choice(STATES), help="In this state only.")
@click.option(
    "--limit",
    type=click.IntRange(1, 10_000),
    default=1000,
    show_default=True,
    help="At most so many reviews.",
)
def list_(as_json: bool, slug: str | None, state: str | None, limit: int) -> None:
    """List reviews, oldest first, without their texts: those are at the desk."""
    with db.reading() as session:
        shop_id = directory.by_slug(session, slug).id if slug else None
        listed = lookup.list_reviews(
            session, state=ReviewState(state) if state else None, shop_id=shop_id, limit=limit
        )
    rows = [
        {
            "id": review.id,
            "state": review.state,
            "stars": review.stars,
            "shop": review.shop,
            "language": review.language,
            "submitted_at": f"{review.submitted_at:%Y-%m-%dT%H:%M:%SZ}",
            "reason": review.reason,
        }
        for review in listed
    ]
    if as_json:
        click.echo(json.dumps(rows))
        return
    for row in rows:
        click.echo("{id}  {state:<9}  {stars}  {shop}  {submitted_at}".format(**row))


@reviews.command()
@click.argument("review_id", metavar="ID")
def approve(review_id: str) -> None:
    """Approve a pending review; it is published and in the badge when this returns."""
    with db.transaction() as session:
        if not moderate.approve(session, review_id, BY, clock.now()):
            raise click.ClickException("This review is not pending.")
    _publish_now()
    click.echo("approved")


@reviews.command()
@click.argument("review_id", metavar="ID")
@click.option("--reason", type=click.Choice(REASONS), required=True, help="Never its stars.")
def reject(review_id: str, reason: str) -> None:
    """Reject a pending review, for a stated reason."""
    with db.transaction() as session:
        if not moderate.reject(session, review_id, reason, BY, clock.now()):
            raise click.ClickException("This review is not pending.")
    click.echo("rejected")


@reviews.command()
def recount() -> None:
    """Count the published reviews of each shop whose score does not fit them."""
    with db.transaction() as session:
        differing = star_counts.differing(session)
        star_counts.recount(session, differing)
    with db.reading() as session:
        refresh.refresh_changed(session, clock.now())
    click.echo(f"{len(differing)} scores corrected")


@reviews.command("reply")
@click.argument("review_id", metavar="ID")
@click.option("--remove", is_flag=True, help="Remove the reply.")
def reply_(review_id: str, remove: bool) -> None:
    """Reply in public to a published review (standard input); again replaces the reply."""
    text = "" if remove else _text()
    with db.transaction() as session:
        if remove and not reply.remove_reply(session, review_id, clock.now()):
            raise click.ClickException("This review has no reply.")
        if not remove and not reply.write_reply(session, review_id, text, BY, clock.now()):
            raise click.ClickException(
                "Nothing changed: the same text, or the review is not published."
            )
    with db.reading() as session:
        refresh.refresh_changed(session, clock.now())
    click.echo("removed" if remove else "replied")


def _text() -> str:
    if sys.stdin.isatty():
        return str(click.prompt("Reply"))
    return sys.stdin.buffer.read(MAX_BYTES).decode(errors="replace")


def _publish_now() -> None:
    """Do now what the jobs publish_reviews and refresh_badges would do within seconds."""
    more = True
    while more:
        with db.transaction() as session:
            more = publish.publish_approved(session, clock.now()) > 0
    with db.reading() as session:
        refresh.refresh_changed(session, clock.now())
