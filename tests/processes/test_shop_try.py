"""`trustsvc shop try` against the real service: an example order, its answer and its decisions.

Tests trustsvc/cli/shop_try.py.
"""

import json
from dataclasses import replace

import pytest

from tests import command_server
from tests.processes.conftest import free_port

pytestmark = [pytest.mark.processes, pytest.mark.slow]


def add_shop(shared_service, platform, may_ask):
    words = ("--name", f"Shop {platform}", "--domain", "shop.example", "--platform", platform)
    made = shared_service.command("shop", "add", *words, "--may-ask", may_ask, "--json")
    return json.loads(made)["shop"]


def test_an_example_order_of_each_platform_is_accepted_and_planned(shared_service):
    for platform in ("shopify", "woocommerce", "lightspeed", "standard"):
        slug = add_shop(shared_service, platform, "customers")

        output = shared_service.command("shop", "try", slug)

        assert "Answer: 202 accepted" in output
        assert f"Posted to {shared_service.url}/webhooks/{platform}/" in output
        assert ".example\n" in output.splitlines(keepends=True)[0]
        assert "(may_ask may_ask_customers ask)" in output
        assert "The invitation is planned for 20" in output


def test_a_shop_that_asks_registered_buyers_says_why_nothing_is_planned(shared_service):
    slug = add_shop(shared_service, "standard", "registered")

    output = shared_service.command("shop", "try", slug)

    assert "(may_ask no_basis_registered refuse)" in output
    assert "No invitation is planned." in output
    assert f"trustsvc shop set {slug} --may-ask customers" in output


def test_the_service_on_this_machine_answers_when_the_public_address_does_not(shared_service):
    slug = add_shop(shared_service, "woocommerce", "customers")
    elsewhere = f"http://127.0.0.1:{free_port()}"
    environ = shared_service.environ | {"TRUSTSVC_BASE_URL": elsewhere}

    output = replace(shared_service, environ=environ).command("shop", "try", slug)

    assert f"No answer from {elsewhere}" in output
    assert "Answer: 202 accepted" in output


def test_a_service_that_does_not_run_is_hinted_at(service_environ):
    def command(*words):
        return command_server.run(["shop", *words], service_environ)

    command("add", "--name", "Lamp", "--domain", "lamp.example", "--platform", "standard")

    done = command("try", "lamp")

    assert done.returncode == 1
    assert "The service does not answer. Start it (trustsvc up)" in done.stderr
    assert command("try", "nobody").returncode == 1
