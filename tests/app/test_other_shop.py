"""What is one shop's opens nothing of another's, at any route there is.

Made from the map of routes: a new route fails here until it says, in KEPT_APART, which kind of id
opens it, or why nothing of a shop passes through it.
"""

import json
import re
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import pytest

import trustsvc
from tests.app import two_shops
from tests.invitations import ground
from tests.signing import signed_request
from tests.staff import at_the_desk
from trustsvc import doors
from trustsvc.registry import views as registry

STAFF = "staff are the house's own and see every shop; without a session nobody sees any"


@dataclass(frozen=True)
class Kept:
    """How a route is kept apart: the kind of id that rightly opens it, or why none is needed."""

    opens: str = ""
    why: str = ""


KEPT_APART = {
    "/static/<path:filename>": Kept(why="files of the programme, the same for every shop"),
    "/livez": Kept(why="says nothing of shops"),
    "/readyz": Kept(why="says nothing of shops"),
    "/.well-known/security.txt": Kept(why="says nothing of shops"),
    "/webhooks/<platform>/<door>": Kept("door"),
    "/register/<slug>": Kept("slug"),
    "/register/confirm/<token>": Kept("register"),
    "/register/leave/<token>": Kept("leave"),
    "/u/<token>": Kept("stop"),
    "/desk/sending": Kept(why=STAFF),
    "/desk/sending/<slug>": Kept("slug", STAFF),
    "/mail-events/<provider>/<door>": Kept("mail door", "a provider's door is the house's"),
    "/r/<token>": Kept("review"),
    "/r/<token>/register": Kept("review"),
    "/desk/": Kept(why=STAFF),
    "/desk/reviews/<public_id>": Kept("review", STAFF),
    "/desk/orders/<slug>": Kept("slug"),
    "/badge/v1/<slug>.<any(json,svg):kind>": Kept("slug"),
    "/embed/v1.js": Kept(why="the same file for every shop"),
    "/embed/card.js": Kept(why="the same file for every shop"),
    "/s/<slug>": Kept("slug"),
    "/privacy/<slug>": Kept("slug"),
    "/privacy/<slug>/<int:version>": Kept("slug"),
    "/me": Kept(why="takes an address and no shop; the answer is the same for any"),
    "/object/<slug>": Kept("slug"),
    "/me/<token>": Kept("me"),
    "/me/<token>/copy.json": Kept("me"),
    "/schemas/my-data-1.json": Kept(why="the same file for everybody"),
    "/me/<token>/<any(correct,restrict,lift,object,erase):deed>": Kept("me"),
    "/desk/requests": Kept(why=STAFF),
    "/desk/requests/<request_id>": Kept("request", STAFF),
    "/desk/enter": Kept(why="says nothing of shops"),
    "/desk/enter/<token>": Kept("staff", "a link of staff; nobody of a shop has one"),
    "/desk/leave": Kept(why="ends the session of whoever asks"),
    "/desk/evidence": Kept(why=STAFF),
    "/desk/security": Kept(why=STAFF),
    "/demo/": Kept(why="the demo's mailbox of all its buyers, on loopback alone"),
    "/demo/mail/<name>": Kept("letter", "as the demo's mailbox"),
    "/demo/mail/<name>/html": Kept("letter", "as the demo's mailbox"),
    "/demo/shop/<slug>": Kept("slug"),
    "/demo/thanks/<slug>": Kept("slug"),
    "/.well-known/trustsvc.txt": Kept(why="the demo's shops say that they are theirs"),
}
# Other than "there is nothing here": these answer everybody alike who may not pass.
REFUSED = {"signature": 401, "staff": 303}
OTHERS_OF = {
    "kind": ("json", "svg"),
    "deed": ("correct", "restrict", "lift", "object", "erase"),
    "version": ("1",),
    "platform": ("standard", "shopify", "woocommerce", "lightspeed"),
    "provider": ("postmark", "ses"),
}
ID_OF = {"slug", "token", "door", "public_id", "request_id", "name"}
FORM = {
    "/r/<token>": {"stars": "4", "title": "T", "text": "Mine.", "name": "M.", "consent": "yes"},
    "/register/<slug>": {"email": "visitor@example.com"},
    "/object/<slug>": {"email": "visitor@example.com"},
    "/me": {"email": "visitor@example.com"},
    "/desk/requests": {"kind": "see"},
    "/desk/requests/<request_id>": {"do": "done"},
    "/desk/reviews/<public_id>": {"do": "approve"},
}
# What a form says of itself and of whoever fills it in; no shop is named by it.
OWN = {"email", "form_token", "do", "step", "stars", "consent", "asked", "kind", "everywhere"}
OWN |= {"scope", "child"}  # a person's own wish, at every shop that knows them

pytestmark = pytest.mark.slow
demo_too = pytest.mark.parametrize("house", [{"TRUSTSVC_DEMO": "1"}], indirect=True)


def _routes(app):
    """Give each rule once, with its methods and who may pass."""
    found = {}
    for rule in app.url_map.iter_rules():
        passes = doors.passes(app.view_functions[rule.endpoint]) or "everybody"
        methods, _ = found.get(str(rule), (set(), ""))
        found[str(rule)] = (methods | rule.methods - {"OPTIONS"}, passes)
    return found


def _paths(rule, value):
    """Give the paths of a rule with this id in them, one for each of its other choices."""
    names = [re.split("[:)]", name)[-1] for name in re.findall(r"<([^>]*)>", rule)]
    choices = [[value] if name in ID_OF else OTHERS_OF[name] for name in names]
    for choice in product(*choices):
        values = iter(choice)
        yield re.sub(r"<[^>]*>", lambda _, values=values: next(values), rule)


def _field_names():
    """Give every name that a form or a query may have, as the code asks for them."""
    code = "".join(path.read_text() for path in Path(trustsvc.__file__).parent.rglob("*.py"))
    read = set(re.findall(r"""\b(?:form|args|values)(?:\.get\(|\[)f?"([a-z_]+)\"""", code))
    guessed = {"shop", "shop_id", "slug", "order", "order_id", "invitation_id", "review", "door"}
    guessed |= {"review_id", "public_id", "link", "token", "id", "before", "version"}
    return (read | guessed) - OWN


class Ask:
    """Asks as somebody of shop Alfa, who knows everything of shop Bravo but no secret of it."""

    def __init__(self, client, mine, theirs):
        self.client, self.mine, self.theirs = client, mine, theirs

    def __call__(self, method, path, form=None, query=None, headers=None):
        registry.gate.knocks.clear()  # one process runs many tests
        body = json.dumps(form or {}).encode()
        if path.startswith("/webhooks/"):
            platform = path.split("/")[2]
            secret = self.mine.secret if platform == "standard" else "x" * 32
            headers = signed_request(platform, secret, body) | (headers or {})
            sent = {"data": body}
        else:
            sent = {"data": form or {}}
        sent = sent if method == "POST" else {}
        with ground.quiet():
            return self.client.open(
                path, method=method, query_string=query, headers=headers, **sent
            )

    def reads_of_them(self, answer):
        return self.theirs.word in answer.get_data(as_text=True)


@pytest.fixture
def ask(client):
    mine = two_shops.make("Alfa")
    before = two_shops.everything()
    asking = Ask(client, mine, two_shops.make("Bravo"))
    asking.theirs_alone = two_shops.everything() - before
    return asking


@demo_too
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_every_route_says_how_shops_are_kept_apart(app):
    assert set(_routes(app)) == set(KEPT_APART)
    unsaid = [rule for rule, kept in KEPT_APART.items() if "<" not in rule and not kept.why]
    assert unsaid == []


@demo_too
def test_an_id_of_another_shop_opens_nothing_where_it_does_not_belong(app, ask):
    before, files = two_shops.everything(), two_shops.files()
    wrong, asked = [], 0
    for rule, (methods, passes) in _routes(app).items():
        for kind, value in ask.theirs.ids:
            if "<" not in rule or rule.startswith("/static") or _rightly(rule, passes, kind):
                continue
            for path, method in product(_paths(rule, value), sorted(methods)):
                answer = ask(method, path)
                asked += 1
                if answer.status_code != REFUSED.get(passes, 404) or ask.reads_of_them(answer):
                    wrong.append((method, rule, kind, answer.status_code))

    assert wrong == []
    assert asked > 1000
    assert (two_shops.everything(), two_shops.files()) == (before, files)


def _rightly(rule, passes, kind):
    """Say whether whoever has this id may do what the route does: it is theirs, or public.

    Behind a signature or a session the id alone is not enough, so there every kind is tried.
    """
    return passes not in REFUSED and KEPT_APART[rule].opens == kind


@demo_too
def test_no_field_query_or_header_with_an_id_of_another_shop_reaches_it(app, ask):
    at_the_desk.sign_in(ask.client)
    token = at_the_desk.form_token(ask.client)
    names, read, touched = _field_names(), [], []
    for rule, (methods, passes) in _routes(app).items():
        kept, own = KEPT_APART[rule], two_shops.fresh(ask.mine)
        if (kept.opens and kept.opens not in own) or kept.opens == "mail door":
            continue
        was = two_shops.everything()
        for kind, value in sorted(set(ask.theirs.ids)):
            given = dict.fromkeys(names, value) | FORM.get(rule, {}) | {"form_token": token}
            if rule == "/desk/requests":
                given["shop"] = own["slug"]  # staff name a shop here, and may name any
            if rule == "/desk/reviews/<public_id>":
                given["version"] = own["review version"]
            headers = {"X-Shop-Id": value, "X-Shop": value, "X-Original-URL": f"/s/{value}"}
            query = dict.fromkeys(names, value)
            for path, method in product(_paths(rule, own.get(kept.opens)), sorted(methods)):
                if path == "/desk/leave":
                    continue  # it would be the end of this session
                answer = ask(method, path, given, query, headers)
                if answer.status_code >= 500 or (
                    ask.reads_of_them(answer) and kept.why != STAFF and not _of_the_house(rule)
                ):
                    read.append((method, rule, kind, answer.status_code))
        now = two_shops.everything()
        if not ask.theirs_alone <= now or _of_shop(now - was, ask.theirs.shop.id):
            touched.append(rule)

    assert (read, touched) == ([], [])


def _of_the_house(rule):
    return rule in {"/desk/orders/<slug>", "/demo/", "/.well-known/trustsvc.txt"}


def _of_shop(rows, shop_id):
    """Give the rows that name this shop."""
    all_of = {table.name: table for table in two_shops.tables.metadata.sorted_tables}
    found = []
    for name, *values in rows:
        columns = [column.name for column in all_of[name].columns]
        if "shop_id" in columns and values[columns.index("shop_id")] == shop_id:
            found.append((name, *values))
    return found
