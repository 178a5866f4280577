"""`trustsvc shop connect`, `disconnect` and `catch-up`; the job that runs by itself.

Also tests:
trustsvc/orders/catch_up/connect.py
jobs/catch_up.py
"""

import pytest
from click.testing import CliRunner

from jobs.catch_up import catch_up
from tests.orders.catch_up.conftest import connected  # noqa: F401 - a fixture
from tests.orders.catch_up.platform_api import KEY, SECRET, TOKEN
from trustsvc import cli, clock, config
from trustsvc.errors import Refused
from trustsvc.orders.catch_up import connection_status, connections
from trustsvc.orders.catch_up.connect import make_credentials
from trustsvc.shops import enrol
from trustsvc.storage import db


def run(*words, given=""):
    done = CliRunner().invoke(cli.main, ["shop", *words], input=given)
    assert "Traceback" not in done.output
    assert SECRET not in done.output
    return done.exit_code, done.output


@pytest.fixture
def unconnected(connected):  # noqa: F811
    def make(platform):
        shop = connected(platform)
        with db.transaction() as session:
            connections.disconnect(session, shop.id)
        return shop

    return make


@pytest.mark.parametrize("platform", ["woocommerce", "lightspeed", "shopify"])
def test_credentials_are_tried_kept_and_used(unconnected, platform):
    shop = unconnected(platform)
    shop.api.place(clock.now())
    given = f"{TOKEN}\n" if platform == "shopify" else f"{KEY}\n{SECRET}\n"

    assert run("connect", shop.slug, "--url", shop.api.url, given=given)[0] == 0
    code, output = run("catch-up", shop.slug)

    assert (code, shop.stored()) == (0, 1)
    assert "1 new orders" in output
    assert "catch-up on" in run("list")[1]
    assert run("disconnect", shop.slug)[0] == 0
    assert run("catch-up", shop.slug)[0] == 1
    assert "catch-up" not in run("list")[1]


def test_shopifys_client_id_comes_with_its_secret(unconnected):
    shop = unconnected("shopify")

    assert run("connect", shop.slug, "--url", shop.api.url, given=f"{KEY}\n{SECRET}\n")[0] == 0


def test_credentials_that_do_not_work_are_not_kept(unconnected):
    shop = unconnected("woocommerce")

    code, output = run("connect", shop.slug, "--url", shop.api.url, given=f"{KEY}\ncs_wrong\n")

    assert code == 1
    assert "Nothing was kept" in output
    assert "refuses the credentials" in output
    with db.reading() as session:
        assert connection_status.of_shops(session) == {}


@pytest.mark.parametrize("given", ["", "a\nb\nc\n", "only-one\n", "with space\nx\n", "a:b\nc\n"])
def test_what_is_no_key_and_secret_is_refused(unconnected, given):
    shop = unconnected("woocommerce")

    assert run("connect", shop.slug, "--url", shop.api.url, given=given)[0] != 0
    assert shop.api.asked == []


def test_a_failed_run_says_why_and_exits_with_1(connected):  # noqa: F811
    shop = connected("woocommerce")
    shop.api.faults = ["503"]

    code, output = run("catch-up", shop.slug)

    assert code == 1
    assert "answers with an error" in output
    assert "catch-up fails since" in run("list")[1]


def enrolled(platform):
    with db.transaction() as session:
        new = enrol.Enrolment("Lamp", "lamp.example", platform, language="nl")
        return enrol.enrol(session, new, clock.now())[0]


@pytest.mark.parametrize(
    ("platform", "url", "taken"),
    [
        ("woocommerce", "", "https://lamp.example"),
        ("woocommerce", "https://lamp.example/shop/", "https://lamp.example/shop"),
        ("shopify", "lamp.myshopify.com", "https://lamp.myshopify.com"),
        ("lightspeed", "", "https://api.webshopapp.com/nl"),
        ("lightspeed", "https://api.shoplightspeed.com/us", "https://api.shoplightspeed.com/us"),
    ],
)
def test_the_usual_addresses_are_known(installation, platform, url, taken):
    assert make_credentials(enrolled(platform), url, KEY, SECRET).base_url == taken


@pytest.mark.parametrize(
    ("platform", "url"),
    [
        ("woocommerce", "http://lamp.example"),
        ("woocommerce", "https://user:pw@lamp.example"),
        ("woocommerce", "https://lamp.example/?a=b"),
        ("woocommerce", "https://lamp.example/#x"),
        ("woocommerce", "ftp://lamp.example"),
        ("woocommerce", "https://[lamp"),
        ("woocommerce", "https://lamp.example:x"),
        ("shopify", ""),
        ("shopify", "https://lamp.example"),
        ("shopify", "https://lamp.myshopify.com.evil.example"),
        ("shopify", "https://evil.example/lamp.myshopify.com"),
        ("lightspeed", "https://api.webshopapp.com.evil.example/nl"),
        ("standard", "https://lamp.example"),
    ],
)
def test_credentials_are_for_the_platforms_own_hosts_over_tls(installation, platform, url):
    with pytest.raises(Refused) as refused:
        make_credentials(enrolled(platform), url, KEY, SECRET)

    assert SECRET not in str(refused.value)


def test_a_service_in_the_world_asks_no_api_on_loopback(installation, tmp_path):
    shop = enrolled("woocommerce")
    settings = {"TRUSTSVC_DATA": str(tmp_path), "TRUSTSVC_BASE_URL": "https://reviews.example"}
    before = config.current()
    config.use(config.load(settings))
    try:
        with pytest.raises(Refused):
            make_credentials(shop, "http://127.0.0.1:8080", KEY, SECRET)
    finally:
        config.use(before)


def test_the_job_asks_every_shop_that_is_due_and_none_twice(connected):  # noqa: F811
    shops = [connected("woocommerce"), connected("lightspeed")]
    for shop in shops:
        shop.api.place(clock.now())
    shops[0].api.faults = ["500"]

    catch_up()
    catch_up()

    assert [len(shop.api.requests()) for shop in shops] == [1, 1]
    assert [shop.stored() for shop in shops] == [0, 1]
