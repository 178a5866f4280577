"""`trustsvc demo`: the main job from order to badge, on a fresh folder, shown step by step."""

import json
import signal
import time
from datetime import timedelta

import click

from trustsvc import clock, config
from trustsvc.cli import demo_service
from trustsvc.demo import sample_shops, steps
from trustsvc.orders import recent
from trustsvc.registry import registration
from trustsvc.server_log import retention
from trustsvc.shops import domain_proof
from trustsvc.shops.directory import Shop
from trustsvc.storage import db


@click.command()
@click.option("--once", is_flag=True, help="End when every step was shown.")
def demo(once: bool) -> None:
    """Show the main job: order, check, letter, review, published line, badge."""
    environ = demo_service.settings()
    settings = config.current()
    demo_service.say(f"Data in {settings.data}, the service at {settings.base_url}")
    with demo_service.service(environ):
        shops = _enrol()
        _post_orders(shops)
        _wait_until_settled([shop for _, shop, _ in shops])
        link = _sending_day(environ)
        _review(environ, link, shops[0][1])
        _badge(environ, shops[0][1])
        _purge()
        click.secho("\nEvery step held.", fg="green", bold=True)
        if not once:
            _stay(environ, shops[0][1])


def _enrol() -> list[tuple[sample_shops.Role, Shop, str]]:
    demo_service.step("Enrolling a shop per platform")
    shops = []
    for role in sample_shops.ROLES:
        with db.transaction() as session:
            shop, secret = sample_shops.enrolled(session, role, clock.now())
        domain_proof.require_proof(shop)
        with db.transaction() as session:
            domain_proof.record(session, shop, clock.now())
        shops.append((role, shop, secret))
        demo_service.say(
            f"{role.name:24} {role.platform:12} may ask: {role.may_ask:11} domain proven"
        )
    return shops


def _post_orders(shops: list[tuple[sample_shops.Role, Shop, str]]) -> None:
    demo_service.step("Posting signed, full-size orders over HTTP")
    base = config.current().base_url
    for role, shop, secret in shops:
        body, buyer = sample_shops.fresh_order(role, clock.now())
        if role.may_ask == "registered":
            with db.transaction() as session:
                registration.register(session, buyer, "demo", "demo", clock.now())
        for what, with_secret, expected in (
            ("an order", secret, "202 accepted"),
            ("the same again", secret, "200 duplicate"),
            ("a forged one", "0" * 44, "401 The signature does not match"),
        ):
            said = steps.post_order(base, role, shop, with_secret, body)
            demo_service.hold(said == expected, f"{role.platform}: {what} was answered {said}")
            demo_service.say(f"{role.platform:12} {what:15} {len(body):6} bytes   {said}")


def _wait_until_settled(shops: list[Shop]) -> None:
    demo_service.step("The check (a keyed one-way hash) and the rules decide")
    end = time.monotonic() + demo_service.SETTLE_S
    while time.monotonic() < end:
        with db.reading() as session:
            newest = [recent.recent(session, shop.id, most=1)[0] for shop in shops]
            if all(order.state == "settled" for order in newest):
                _show_ledger(shops, newest)
                return
        time.sleep(0.2)
    raise demo_service.DemoFailed("The orders were not decided on within a minute.")


def _show_ledger(shops: list[Shop], newest: list[recent.Told]) -> None:
    for shop, order in zip(shops, newest, strict=True):
        for line in order.lines:
            demo_service.say(f"{shop.name:24} {line.step:8} {line.rule:22} {line.outcome}")


def _sending_day(environ: dict[str, str]) -> str:
    day = (clock.now() + timedelta(days=9)).replace(hour=10, minute=0, second=0, microsecond=0)
    demo_service.step(f"The clock reaches {day:%d %B %Y, %H:%M} UTC")
    folder = config.current().data / "mail"
    before = set(steps.letters(folder))
    demo_service.own(environ, "tick", "--at", day.isoformat())
    new = [mail for name, mail in steps.letters(folder).items() if name not in before]
    demo_service.hold(
        len(new) == len(sample_shops.ROLES),
        f"{len(new)} letters left instead of {len(sample_shops.ROLES)}",
    )
    demo_service.say(f"{len(new)} letters left; this is one of them:\n")
    letter = next((mail for mail in new if "Gouden Ring" in mail.text), new[0])
    click.echo(f"    To: {letter.to}\n    Subject: {letter.subject}\n")
    click.echo("\n".join(f"    {line}" for line in letter.text.splitlines()))
    link = letter.link("r")
    demo_service.hold(bool(link), "the letter holds no review link")
    return link


def _review(environ: dict[str, str], link: str, shop: Shop) -> None:
    demo_service.step("A buyer follows the link and writes a review; staff approve it")
    known = {row["id"] for row in _reviews(environ)}
    steps.write_review(link)
    new = [row for row in _reviews(environ) if row["id"] not in known]
    demo_service.hold(len(new) == 1, "the review did not arrive")
    demo_service.own(environ, "reviews", "approve", str(new[0]["id"]))
    url = f"{config.current().base_url}/s/{shop.slug}"
    demo_service.wait_for(url, steps.REVIEW["text"], "the review was not published")
    demo_service.say(f"published: {url}")


def _badge(environ: dict[str, str], shop: Shop) -> None:
    demo_service.step("The badge says so")
    url = f"{config.current().base_url}/badge/v1/{shop.slug}"
    demo_service.wait_for(f"{url}.json", "5", "the badge did not follow")
    demo_service.say(f"{url}.json\n    {steps.page(f'{url}.json').strip()}")
    demo_service.say(f"{url}.svg   {len(steps.page(f'{url}.svg'))} bytes")
    said = demo_service.own(environ, "verify-badge", _at_the_shop(shop)).strip()
    demo_service.hold(said.startswith("GENUINE"), f"verify-badge says {said}")
    demo_service.say(f"trustsvc verify-badge {_at_the_shop(shop)}\n    {said}")


def _at_the_shop(shop: Shop) -> str:
    """Give the shop's page at the domain that was proven, which its badge is signed for."""
    return f"http://{shop.domain}/demo/shop/{shop.slug}"


def _purge() -> None:
    demo_service.step("The server log is gone before it is 90 days old")
    folder = config.current().data / "log"
    before = len(list(folder.glob("access-*")))
    demo_service.hold(before > 0, "no server log was written")
    later = clock.now() + timedelta(days=91)
    retention.purge(folder, later, config.current().log_days)
    # What is left was written since, by requests that still come in.
    demo_service.say(f"{before} file(s) today, at +91 days: {len(list(folder.glob('access-*')))}")


def _stay(environ: dict[str, str], shop: Shop) -> None:
    base = config.current().base_url
    way_in = demo_service.own(environ, "staff", "add", "--name", "Demo").strip()
    click.echo(
        f"\nHave a look around:\n"
        f"  the shop with its badge   {base}/demo/shop/{shop.slug}\n"
        f"  is that badge real?       trustsvc verify-badge {_at_the_shop(shop)}\n"
        f"  its public page           {base}/s/{shop.slug}\n"
        f"  the mailbox               {base}/demo/\n"
        f"  the desk                  {way_in}\n"
        f"\nCtrl-C ends the demo."
    )
    try:
        signal.pause()
    except KeyboardInterrupt:
        click.echo("\nGoodbye.")


def _reviews(environ: dict[str, str]) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(
        demo_service.own(environ, "reviews", "list", "--json")
    )
    return found
