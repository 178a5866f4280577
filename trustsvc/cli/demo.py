"""`trustsvc demo`: the main job from order to badge, on a fresh folder, shown step by step."""

import json
import signal
import time
from datetime import timedelta

import click

from trustsvc import clock, config
from trustsvc.cli import demo_service
from trustsvc.cli.shop_snippets import webhook_url
from trustsvc.demo import example_orders, sample_shops, steps
from trustsvc.orders import decision_log
from trustsvc.orders.state import OrderState
from trustsvc.registry import registration
from trustsvc.server_log import retention
from trustsvc.shops import domain_proof
from trustsvc.shops.directory import Shop
from trustsvc.storage import db


@click.command()
@click.option("--once", is_flag=True, help="End when every step was shown.")
def demo(once: bool) -> None:
    """Show the main job: order, check, invitation, review, published line, badge."""
    environ = demo_service.settings()
    settings = config.current()
    demo_service.echo(f"Data in {settings.data}, the service at {settings.base_url}")
    with demo_service.service(environ):
        shops = _enrol()
        _post_orders(shops)
        _wait_until_settled([shop for shop, _ in shops])
        link = _send_invitations(environ)
        _review(environ, link, shops[0][0])
        _badge(environ, shops[0][0])
        _purge()
        click.secho("\nEvery step held.", fg="green", bold=True)
        if not once:
            _stay(environ, shops[0][0])


def _enrol() -> list[tuple[Shop, str]]:
    demo_service.step("Enrolling a shop per platform")
    shops = []
    for sample in sample_shops.SAMPLE_SHOPS:
        with db.transaction() as session:
            shop, secret = sample_shops.enrol_sample(session, sample, clock.now())
        domain_proof.require_proof(shop)
        with db.transaction() as session:
            domain_proof.record_proof(session, shop, clock.now())
        shops.append((shop, secret))
        demo_service.echo(
            f"{shop.name:24} {shop.platform:12} may ask: {shop.may_ask:11} domain proven"
        )
    return shops


def _post_orders(shops: list[tuple[Shop, str]]) -> None:
    demo_service.step("Posting signed, full-size orders over HTTP")
    for shop, secret in shops:
        order = example_orders.example_order(shop.platform, clock.now())
        if shop.may_ask == "registered":
            with db.transaction() as session:
                registration.register(session, order.buyer, "demo", "demo", clock.now())
        for what, with_secret, expected in (
            ("an order", secret, "202 accepted"),
            ("the same again", secret, "200 duplicate"),
            ("a forged one", "0" * 44, "401 The signature does not match"),
        ):
            url = webhook_url(shop)
            text = example_orders.answer_text(
                example_orders.post(url, shop.platform, with_secret, order.body)
            )
            demo_service.require(text == expected, f"{shop.platform}: {what} was answered {text}")
            demo_service.echo(f"{shop.platform:12} {what:15} {len(order.body):6} bytes   {text}")


def _wait_until_settled(shops: list[Shop]) -> None:
    demo_service.step("The check (a keyed one-way hash) and the rules decide")
    end = time.monotonic() + demo_service.SETTLE_S
    while time.monotonic() < end:
        with db.reading() as session:
            newest = [decision_log.recent_orders(session, shop.id, most=1)[0] for shop in shops]
            if all(order.state == OrderState.SETTLED for order in newest):
                _show_decisions(shops, newest)
                return
        time.sleep(0.2)
    raise demo_service.DemoFailed("The orders were not decided on within a minute.")


def _show_decisions(shops: list[Shop], newest: list[decision_log.OrderSummary]) -> None:
    for shop, order in zip(shops, newest, strict=True):
        for entry in order.entries:
            demo_service.echo(f"{shop.name:24} {entry.step:8} {entry.rule:22} {entry.outcome}")


def _send_invitations(environ: dict[str, str]) -> str:
    day = (clock.now() + timedelta(days=9)).replace(hour=10, minute=0, second=0, microsecond=0)
    demo_service.step(f"The clock reaches {day:%d %B %Y, %H:%M} UTC")
    folder = config.current().data / "mail"
    before = set(steps.emails(folder))
    demo_service.run_command(environ, "tick", "--at", day.isoformat())
    new = [mail for name, mail in steps.emails(folder).items() if name not in before]
    demo_service.require(
        len(new) == len(sample_shops.SAMPLE_SHOPS),
        f"{len(new)} e-mails left instead of {len(sample_shops.SAMPLE_SHOPS)}",
    )
    demo_service.echo(f"{len(new)} e-mails left; this is one of them:\n")
    message = next((mail for mail in new if "Gouden Ring" in mail.text), new[0])
    click.echo(f"    To: {message.to}\n    Subject: {message.subject}\n")
    click.echo("\n".join(f"    {line}" for line in message.text.splitlines()))
    link = message.link("r")
    demo_service.require(bool(link), "the e-mail holds no review link")
    return link


def _review(environ: dict[str, str], link: str, shop: Shop) -> None:
    demo_service.step("A buyer follows the link and writes a review; staff approve it")
    known = {row["id"] for row in _reviews(environ)}
    steps.write_review(link)
    new = [row for row in _reviews(environ) if row["id"] not in known]
    demo_service.require(len(new) == 1, "the review did not arrive")
    demo_service.run_command(environ, "reviews", "approve", str(new[0]["id"]))
    url = f"{config.current().base_url}/s/{shop.slug}"
    demo_service.wait_for(url, steps.REVIEW["text"], "the review was not published")
    demo_service.echo(f"published: {url}")


def _badge(environ: dict[str, str], shop: Shop) -> None:
    demo_service.step("The badge shows it")
    url = f"{config.current().base_url}/badge/v1/{shop.slug}"
    demo_service.wait_for(f"{url}.json", "5", "the badge did not follow")
    demo_service.echo(f"{url}.json\n    {steps.page(f'{url}.json').strip()}")
    demo_service.echo(f"{url}.svg   {len(steps.page(f'{url}.svg'))} bytes")
    result = demo_service.run_command(environ, "verify-badge", _shop_page(shop)).strip()
    demo_service.require(result.startswith("GENUINE"), f"verify-badge says {result}")
    demo_service.echo(f"trustsvc verify-badge {_shop_page(shop)}\n    {result}")


def _shop_page(shop: Shop) -> str:
    """The shop's page at its proven domain, which the badge is signed for."""
    return f"http://{shop.domain}/demo/shop/{shop.slug}"


def _purge() -> None:
    demo_service.step("The server log is gone before it is 90 days old")
    folder = config.current().data / "log"
    before = len(list(folder.glob("access-*")))
    demo_service.require(before > 0, "no server log was written")
    later = clock.now() + timedelta(days=91)
    retention.purge(folder, later, config.current().log_days)
    # What is left was written since, by requests that still come in.
    demo_service.echo(f"{before} file(s) today, at +91 days: {len(list(folder.glob('access-*')))}")


def _stay(environ: dict[str, str], shop: Shop) -> None:
    base = config.current().base_url
    desk_link = demo_service.run_command(environ, "staff", "add", "--name", "Demo").strip()
    click.echo(
        f"\nHave a look around:\n"
        f"  the shop with its badge   {base}/demo/shop/{shop.slug}\n"
        f"  is that badge real?       trustsvc verify-badge {_shop_page(shop)}\n"
        f"  its public page           {base}/s/{shop.slug}\n"
        f"  the mailbox               {base}/demo/\n"
        f"  the desk                  {desk_link}\n"
        f"\nCtrl-C ends the demo."
    )
    try:
        signal.pause()
    except KeyboardInterrupt:
        click.echo("\nGoodbye.")


def _reviews(environ: dict[str, str]) -> list[dict[str, object]]:
    reviews: list[dict[str, object]] = json.loads(
        demo_service.run_command(environ, "reviews", "list", "--json")
    )
    return reviews
