"""What else people do, each by its real route: five of a hundred on each path.

The person's number modulo 20 decides the action.
"""

import re

import requests

from tests.signing import signed_request
from tools.canary import people

TIMEOUT_S = 15
WRONG = "wrong-secret-of-sixteen-and-more"


class Path:
    """One person's way through: the service, their shop, and their invitation e-mail."""

    def __init__(self, installation, shop, person, message):
        self.installation, self.shop, self.person, self.message = (
            installation,
            shop,
            person,
            message,
        )

    def link(self, name):
        return link_in(self.message, name)

    def post_address(self, path, **form):
        """Post the address to a page that takes one."""
        form = {"email": self.person.email, **form}
        answer = requests.post(self.installation.url + path, data=form, timeout=TIMEOUT_S)
        answer.raise_for_status()
        return answer

    def staff_command(self, *command, lines=()):
        """Run `trustsvc person` for this person."""
        return self.installation.own(
            "person", *command, stdin="\n".join([self.person.email, *lines])
        )


def link_in(message, name):
    found = re.search(rf"^(https?://\S+/{name}/[^\s?]+)\r?$", message, re.MULTILINE)
    return found and found[1]


def post(url, form):
    requests.get(url, timeout=TIMEOUT_S).raise_for_status()
    requests.post(url, data=form, timeout=TIMEOUT_S).raise_for_status()


def _register(path):
    path.post_address(f"/register/{path.shop['shop']}", source="page")


def _register_by_card(path):
    page = path.post_address(f"/register/{path.shop['shop']}", step="look", source="card")
    assert path.person.email in page.text
    path.post_address(f"/register/{path.shop['shop']}", source="card")


def _object(path):
    path.post_address(f"/object/{path.shop['shop']}")


def _see(path):
    path.post_address("/me")


def _correct(path):
    name = f"{path.person.first}new"
    shown = f"{path.person.author_name}new"
    post(path.link("me") + "/correct", {"name": name, "shown_name": shown, "city": shown})


def _restrict(path):
    post(path.link("me") + "/restrict", {})


def _restrict_and_lift(path):
    _restrict(path)
    post(path.link("me") + "/lift", {})


def _stop(path):
    post(path.link("u"), {})


def _reported_by_staff(path):
    assert path.person.email in path.staff_command("tell", "--json")


def _corrected_by_staff(path):
    path.staff_command("correct", lines=[f"name={path.person.last}newer"])


def _refused_by_staff(path):
    path.staff_command("forget", "--refuse", "17_3_e")


def _restricted_by_staff(path):
    path.staff_command("restrict")


def _objected_by_staff(path):
    path.staff_command("object")


def _forged(path):
    """Post the order again with a wrong signature, for the security events."""
    body, topic = people.order_body(path.person), people.TOPICS.get(path.person.platform)
    headers = signed_request(path.person.platform, WRONG, body, topic)
    url = path.shop["webhook_url"]
    assert requests.post(url, data=body, headers=headers, timeout=TIMEOUT_S).status_code == 401


ACTIONS = (
    _register,
    _register_by_card,
    _object,
    _see,
    _correct,
    _restrict,
    _restrict_and_lift,
    _stop,
    _reported_by_staff,
    _corrected_by_staff,
    _refused_by_staff,
    _restricted_by_staff,
    _objected_by_staff,
    _forged,
)
EVERY = 20


def do(path):
    """Do this person's action; most only wrote a review, or nothing."""
    turn = path.person.number % EVERY
    if turn < len(ACTIONS):
        ACTIONS[turn](path)


def follow(messages):
    """Confirm a registration, or open the requested link to the data.

    `messages` are one person's e-mails; gives whether one of them confirmed a registration.
    """
    confirmations = [link_in(message, "register/confirm") for message in messages]
    for link in filter(None, confirmations):
        post(link, {})
    if not any(confirmations):
        for link in {link for message in messages if (link := link_in(message, "me"))}:
            for url in (link, f"{link}/copy.json"):
                requests.get(url, timeout=TIMEOUT_S).raise_for_status()
    return any(confirmations)
