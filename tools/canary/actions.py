"""What else people do here, each by its real door: five of a hundred on each path.

Who does what goes by the number: of people 0 to 19, 20 to 39 … the first registers, and so on.
"""

import re

import requests

from tests.signing import signed_request
from tools.canary import people

TIMEOUT_S = 15
WRONG = "wrong-secret-of-sixteen-and-more"


class Path:
    """One person's way through: the service, their shop, and the letter that invited them."""

    def __init__(self, house, shop, person, letter):
        self.house, self.shop, self.person, self.letter = house, shop, person, letter

    def link(self, name):
        return link_in(self.letter, name)

    def ask(self, path, **form):
        """Post an address to a page that takes one."""
        said = {"email": self.person.email, **form}
        answer = requests.post(self.house.url + path, data=said, timeout=TIMEOUT_S)
        answer.raise_for_status()
        return answer

    def say(self, *command, lines=()):
        """Speak for the person by the command line."""
        return self.house.own("person", *command, said="\n".join([self.person.email, *lines]))


def link_in(letter, name):
    found = re.search(rf"^(https?://\S+/{name}/[^\s?]+)\r?$", letter, re.MULTILINE)
    return found and found[1]


def post(url, form):
    requests.get(url, timeout=TIMEOUT_S).raise_for_status()
    requests.post(url, data=form, timeout=TIMEOUT_S).raise_for_status()


def _register(path):
    path.ask(f"/register/{path.shop['shop']}", source="page")


def _register_by_card(path):
    page = path.ask(f"/register/{path.shop['shop']}", step="look", source="card")
    assert path.person.email in page.text
    path.ask(f"/register/{path.shop['shop']}", source="card")


def _object(path):
    path.ask(f"/object/{path.shop['shop']}")


def _see(path):
    path.ask("/me")


def _correct(path):
    name = f"{path.person.first}new"
    shown = f"{path.person.pen_name}new"
    post(path.link("me") + "/correct", {"name": name, "shown_name": shown, "city": shown})


def _restrict(path):
    post(path.link("me") + "/restrict", {})


def _restrict_and_lift(path):
    _restrict(path)
    post(path.link("me") + "/lift", {})


def _stop(path):
    post(path.link("u"), {})


def _told_by_staff(path):
    assert path.person.email in path.say("tell", "--json")


def _corrected_by_staff(path):
    path.say("correct", lines=[f"name={path.person.last}newer"])


def _refused_by_staff(path):
    path.say("forget", "--refuse", "17_3_e")


def _restricted_by_staff(path):
    path.say("restrict")


def _objected_by_staff(path):
    path.say("object")


def _forged(path):
    """Somebody posts their order again with a wrong signature: for the security database."""
    body, topic = people.order_of(path.person), people.TOPICS.get(path.person.platform)
    headers = signed_request(path.person.platform, WRONG, body, topic)
    url = path.shop["webhook_url"]
    assert requests.post(url, data=body, headers=headers, timeout=TIMEOUT_S).status_code == 401


DEEDS = (
    _register,
    _register_by_card,
    _object,
    _see,
    _correct,
    _restrict,
    _restrict_and_lift,
    _stop,
    _told_by_staff,
    _corrected_by_staff,
    _refused_by_staff,
    _restricted_by_staff,
    _objected_by_staff,
    _forged,
)
EVERY = 20


def do(path):
    """Do what is this person's to do; most only wrote a review, or nothing."""
    turn = path.person.number % EVERY
    if turn < len(DEEDS):
        DEEDS[turn](path)


def follow(letters):
    """Press the button that confirms a registration, and look behind the link that was asked for.

    `letters` are a person's; gives whether one of them led anywhere.
    """
    asked = [link_in(letter, "register/confirm") for letter in letters]
    for link in filter(None, asked):
        post(link, {})
    if not any(asked):
        for link in {link for letter in letters if (link := link_in(letter, "me"))}:
            for url in (link, f"{link}/copy.json"):
                requests.get(url, timeout=TIMEOUT_S).raise_for_status()
    return any(asked)
