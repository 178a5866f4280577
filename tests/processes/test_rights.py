"""Real processes: what a person asks shows everywhere at once, and not with a later tick."""

import contextlib
import os
import re
import signal

import pytest
import requests

from tests.processes.test_service import emails, place_order, sending_day, text_of, woo_order
from tests.waiting import PATIENCE_S

pytestmark = [pytest.mark.processes, pytest.mark.slow]


@contextlib.contextmanager
def no_scheduler(service):
    """Halt the scheduler, whose next job would hide one that was lost: the rest is done at once."""
    scheduler = service.children()["scheduler"]
    os.kill(scheduler, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(scheduler, signal.SIGCONT)


def asked(service, shop):
    """Have a buyer invited; gives the message's links, and to whom it went."""
    body = woo_order()
    assert place_order(shop, body).status_code == 202
    sending_day(service)
    (message,) = emails(service)
    links = re.findall(r"^http\S+/(?:r|me)/\S+$", text_of(message), re.MULTILINE)
    return {link.split("/")[3]: link for link in links}, message["To"].addresses[0].addr_spec


@pytest.mark.both_databases
def test_an_erasure_reaches_page_badge_invitations_and_its_confirmation(service):
    shop = service.enrol("woocommerce")
    links, address = asked(service, shop)
    form = {"stars": "4", "text": "Came on time.", "name": "Anna", "consent": "1"}
    assert requests.post(links["r"], data=form, timeout=PATIENCE_S).ok
    review = service.command("reviews", "list", "--json").split('"id": "')[1][:16]
    service.command("reviews", "approve", review)
    badge = service.data / "public" / "badge" / "v1" / f"{shop['shop']}.json"
    service.until(lambda: "1 review" in badge.read_text())

    with no_scheduler(service):
        assert requests.post(f"{links['me']}/erase", timeout=PATIENCE_S).ok
        service.until(lambda: "1 review" not in badge.read_text())
        page = requests.get(f"{service.url}/s/{shop['shop']}", timeout=PATIENCE_S).text
        (confirmation,) = service.until(lambda: emails(service))

    assert "Came on time." not in page
    assert confirmation["To"].addresses[0].addr_spec == address
    assert "/r/" not in text_of(confirmation)


def test_an_objection_before_the_first_invitation_is_confirmed_with_a_copy(service):
    shop = service.enrol("woocommerce")
    body = woo_order()
    assert place_order(shop, body).status_code == 202
    service.command(
        "tick"
    )  # else the check may meet the objection, and forget whom to confirm it to
    address = re.search(rb'"email": ?"([^"]+)"', body)[1].decode()

    form = {"email": address.upper()}
    objection = f"{service.url}/object/{shop['shop']}"
    with no_scheduler(service):
        assert requests.post(objection, data=form, timeout=PATIENCE_S).ok
        (message,) = service.until(lambda: emails(service))
    copy = re.search(r"^http\S+/me/\S+$", text_of(message), re.MULTILINE)[0]

    held = requests.get(f"{copy}/copy.json", timeout=PATIENCE_S).json()
    assert held["data"]["orders"][0]["email"] == address
    sending_day(service)
    assert [one for one in emails(service) if "/r/" in text_of(one)] == []
