"""Webhooks that the platform disabled are enabled again, or named."""

import pytest
from click.testing import CliRunner

from tests.staff.signed_in_staff import sign_in
from trustsvc import cli, clock
from trustsvc.doctor.catch_up import api_connections
from trustsvc.orders.catch_up.status import WebhookStatus
from trustsvc.storage import db

BOTH = ["woocommerce", "lightspeed"]


def findings():
    with db.reading() as session:
        return [one.detail for one in api_connections(session, clock.now())]


@pytest.mark.parametrize("platform", BOTH)
def test_a_disabled_webhook_is_enabled_again_and_reported(connected, platform):
    shop = connected(platform)
    shop.api.subscribe(shop.address, active=False)
    shop.api.subscribe(shop.address, active=True)
    shop.api.subscribe("https://other.example/hook", active=False)

    shop.run()

    assert shop.state.webhook_status is WebhookStatus.ENABLED
    assert [one[1] for one in shop.api.asked if one[0] == "PUT"] == [
        {"woocommerce": "/wp-json/wc/v3/webhooks/1", "lightspeed": "/nl/webhooks/1.json"}[platform]
    ]
    assert findings() == ["webhooks of 1 shops were disabled this week, and enabled again"]
    shop.run()
    assert shop.state.webhook_status is WebhookStatus.ACTIVE
    assert shop.state.webhooks_enabled_at


@pytest.mark.parametrize("platform", BOTH)
def test_a_disabled_webhook_is_named_where_the_key_may_only_read(connected, client, platform):
    shop = connected(platform)
    shop.api.subscribe(shop.address, active=False)
    shop.api.may_write = False

    shop.run()

    assert shop.state.webhook_status is WebhookStatus.DISABLED
    assert shop.state.problem is None
    assert "1 shops disabled their webhooks" in findings()[0]
    sign_in(client, "Robin Marker")
    page = client.get(f"/desk/orders/{shop.slug}").get_data(as_text=True)
    assert "disabled its webhooks" in page
    listed = CliRunner().invoke(cli.main, ["shop", "list"]).output
    assert "DISABLED" in listed


def test_a_webhook_that_a_person_paused_stays_so(connected):
    shop = connected("woocommerce")
    shop.api.subscribe(shop.address, active="paused")

    shop.run()

    assert shop.state.webhook_status is WebhookStatus.PAUSED
    assert not [one for one in shop.api.asked if one[0] == "PUT"]


@pytest.mark.parametrize("platform", BOTH)
def test_a_shop_without_a_webhook_that_points_here_is_reported(connected, platform):
    shop = connected(platform)
    shop.api.subscribe("https://other.example/hook")

    shop.run()

    assert shop.state.webhook_status is WebhookStatus.MISSING
    assert findings() == ["1 shops have no webhook that points here"]


def test_shopifys_api_does_not_show_webhooks_of_the_admin(connected):
    shop = connected("shopify")

    shop.run()

    assert shop.state.webhook_status is WebhookStatus.HIDDEN
    assert findings() == ["1 shops' APIs answer"]


def test_webhooks_that_cannot_be_listed_take_nothing_from_the_orders(connected):
    shop = connected("woocommerce")
    shop.api.faults = ["", "", "403"]
    shop.run()
    assert shop.state.webhook_status is WebhookStatus.HIDDEN

    shop.api.faults = ["", "", "500"]
    outcome, _ = shop.run()
    assert (outcome.failure, shop.state.webhook_status) == (None, WebhookStatus.HIDDEN)


def test_refused_credentials_and_silent_shops_are_findings(connected, client):
    shop, other = connected("woocommerce"), connected("shopify")
    shop.api.may_read = False
    shop.run()
    other.api.faults = ["500"]
    with clock.at(clock.now()):
        other.run()

    assert len(findings()) == 1
    with db.reading() as session:
        later = clock.now().replace(year=clock.now().year + 1)
        found = [one.detail for one in api_connections(session, later)]
    assert found[0].startswith("1 shops refuse our API credentials")
    assert found[1].startswith("1 shops' APIs give no answer, the first since 20")
    sign_in(client, "Robin Marker")
    assert "refuses the credentials" in client.get(f"/desk/orders/{shop.slug}").get_data(
        as_text=True
    )


def test_without_connections_there_is_no_finding(installation):
    assert findings() == []
