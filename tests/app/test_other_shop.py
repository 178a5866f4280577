"""What is one shop's opens nothing of another's, at any route there is.

Made from the map of routes: a new route fails here until it says, in KEPT_APART, which kind of id
opens it, or why nothing of a shop passes through it.
"""

import json
import re
from collections import Counter
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import pytest

import trustsvc
from tests import rate_limits
from tests.app import two_shops
from tests.invitations import sample_orders
from tests.signing import signed_request
from tests.staff import signed_in_staff
from trustsvc.http import access

STAFF = "staff are the installation's own and see every shop; without a session nobody sees any"


@dataclass(frozen=True)
class Kept:
    """How a route is kept apart: the kind of id that rightly opens it, or why none is needed.

    `own` is what a shop of one's own must have for it, where not any id of that kind will do.
    """

    opens: str = ""
    why: str = ""
    own: str = ""


KEPT_APART = {
    "/static/<path:filename>": Kept(why="files of the programme, the same for every shop"),
    "/livez": Kept(why="says nothing of shops"),
    "/readyz": Kept(why="says nothing of shops"),
    "/.well-known/security.txt": Kept(why="says nothing of shops"),
    "/webhooks/<platform>/<endpoint_id>": Kept("endpoint_id"),
    "/register/<slug>": Kept("slug"),
    "/register/confirm/<token>": Kept("register"),
    "/register/leave/<token>": Kept("leave"),
    "/u/<token>": Kept("stop"),
    "/desk/sending": Kept(why=STAFF),
    "/desk/shops": Kept(why=STAFF),
    "/desk/sending/<slug>": Kept("slug", STAFF),
    "/mail-events/<provider>/<endpoint_id>": Kept(
        "mail endpoint", "a provider's endpoint is the installation's"
    ),
    "/r/<token>": Kept("review"),
    "/r/<token>/register": Kept("review", own="written"),
    "/desk/": Kept(why=STAFF),
    "/desk/reviews/<public_id>": Kept("review id", STAFF),
    "/desk/reviews/<public_id>/reply": Kept("review id", STAFF, own="published"),
    "/desk/orders/<slug>": Kept("slug"),
    "/badge/v1/<slug>.<any(json,svg,html,png):kind>": Kept("slug"),
    "/badge/v1/<slug>/<any('shields.json','reviews.json','feed.atom'):form>": Kept("slug"),
    "/embed/<path:script>": Kept(why="the same for every shop"),
    "/desk/badge": Kept(why=STAFF),
    "/.well-known/trustsvc-keys.json": Kept(why="the service's public keys, of no shop"),
    "/schemas/order-1.json": Kept(why="the same for every shop"),
    "/s/<slug>": Kept("slug"),
    "/sitemap.xml": Kept(why="lists the public pages of all shops, and nothing else of them"),
    "/robots.txt": Kept(why="says nothing of shops"),
    "/privacy/<slug>": Kept("slug"),
    "/privacy/<slug>/<int:version>": Kept("slug"),
    "/me": Kept(why="takes an address and no shop; the answer is the same for any"),
    "/object/<slug>": Kept("slug"),
    "/me/<token>": Kept("me"),
    "/me/<token>/copy.json": Kept("me"),
    "/schemas/my-data-1.json": Kept(why="the same file for everybody"),
    "/me/<token>/<any(correct,restrict,lift,object,again,erase):action>": Kept("me"),
    "/desk/requests": Kept(why=STAFF),
    "/desk/requests/<request_id>": Kept("request", STAFF),
    "/desk/objections": Kept(why=STAFF),
    "/desk/enter": Kept(why="says nothing of shops"),
    "/desk/enter/<token>": Kept("staff", "a link of staff; nobody of a shop has one"),
    "/desk/leave": Kept(why="ends the session of whoever asks"),
    "/desk/evidence": Kept(why=STAFF),
    "/desk/security": Kept(why=STAFF),
    "/demo/": Kept(why="the demo's mailbox of all its buyers, on loopback alone"),
    "/demo/mail/<name>": Kept("message", "as the demo's mailbox"),
    "/demo/mail/<name>/html": Kept("message", "as the demo's mailbox"),
    "/demo/shop/<slug>": Kept("slug"),
    "/demo/thanks/<slug>": Kept("slug"),
    "/.well-known/trustsvc.txt": Kept(why="the demo's shops say that they are theirs"),
}
# Other than "there is nothing here": these answer everybody alike who may not pass.
REFUSED = {"signature": 401, "staff": 303}
OTHERS_OF = {
    "kind": ("json", "svg", "html", "png"),
    "form": ("shields.json", "reviews.json", "feed.atom"),
    "action": ("correct", "restrict", "lift", "object", "again", "erase"),
    "version": ("1",),
    "script": ("v1.js", "v1-list.js", "card.js"),
    "release": ("1.0.0",),
    "file": ("badge.js", "list.js"),
    "platform": ("standard", "shopify", "woocommerce", "lightspeed"),
    "provider": ("postmark", "ses"),
}
ID_OF = {"slug", "token", "endpoint_id", "public_id", "request_id", "name"}
FORM = {
    "/r/<token>": {"stars": "4", "title": "T", "text": "Mine.", "name": "M.", "consent": "yes"},
    "/register/<slug>": {"email": "a visitor"},
    "/object/<slug>": {"email": "a visitor"},
    "/me": {"email": "a visitor"},
    "/desk/objections": {"do": "keep"},
    "/desk/requests": {"kind": "see"},
    "/desk/requests/<request_id>": {"do": "done"},
    "/desk/reviews/<public_id>": {"do": "approve"},
    "/desk/reviews/<public_id>/reply": {"do": "reply", "text": "Thank you."},
}
# What a form says of itself and of whoever fills it in; no shop is named by it.
OWN = {"email", "form_token", "do", "step", "stars", "consent", "asked", "kind", "everywhere"}
OWN |= {"scope", "child"}  # a person's own opt-out, at every shop that knows them

# Pages with the name of every shop on them, whoever's orders they show.
LISTS_SHOPS = {"/desk/orders/<slug>", "/desk/shops", "/sitemap.xml"}
# Files of the programme: no id of anybody is in their addresses.
NO_ID = ("/static/", "/embed/")
# Without a shop of one's own in it; and what would end the session this is asked with.
NO_FORM = {
    "/static/<path:filename>",
    "/mail-events/<provider>/<endpoint_id>",
    "/demo/",
    "/.well-known/trustsvc.txt",
    "/desk/leave",
}
# A page that does not know where to go on is not shown at all: so there once more without it.
LEFT_OUT = {"/s/<slug>": ({"before"},)}

pytestmark = pytest.mark.slow
demo_too = pytest.mark.parametrize("installation", [{"TRUSTSVC_DEMO": "1"}], indirect=True)


def _routes(app):
    """Give each rule once, with its methods and who may pass."""
    found = {}
    for rule in app.url_map.iter_rules():
        passes = access.requirement(app.view_functions[rule.endpoint]) or "public"
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
    guessed = {
        "shop",
        "shop_id",
        "slug",
        "order",
        "order_id",
        "invitation_id",
        "review",
        "endpoint_id",
    }
    guessed |= {"review_id", "public_id", "link", "token", "id", "before", "version"}
    return (read | guessed) - OWN


class Ask:
    """Asks as somebody of shop Alfa, who knows all of shop Bravissimo but no secret of it."""

    def __init__(self, client, mine, theirs):
        self.client, self.mine, self.theirs = client, mine, theirs

    def __call__(self, method, path, form=None, query=None, headers=None):
        rate_limits.reset()
        body = json.dumps(form or {}).encode()
        if path.startswith("/webhooks/"):
            platform = path.split("/")[2]
            secret = self.mine.secret if platform == "standard" else "x" * 32
            headers = signed_request(platform, secret, body) | (headers or {})
            sent = {"data": body}
        else:
            sent = {"data": form or {}}
        sent = sent if method == "POST" else {}
        with sample_orders.quiet():
            return self.client.open(
                path, method=method, query_string=query, headers=headers, **sent
            )

    def reads_of_them(self, answer, *but):
        """Look for any word of theirs: names, order numbers, addresses and reviews all hold it."""
        seen = answer.get_data().decode(errors="replace")  # an image is no text
        for part in but:
            seen = seen.replace(part, "")
        return self.theirs.word.lower() in seen.lower()


@pytest.fixture
def ask(client):
    mine = two_shops.make("Alfa")
    before = two_shops.everything()
    asking = Ask(client, mine, two_shops.make("Bravissimo"))
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
            if "<" not in rule or rule.startswith(NO_ID) or _rightly(rule, passes, kind):
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
def test_staff_find_nothing_by_an_id_that_is_none_of_the_page(app, ask):
    signed_in_staff.sign_in(ask.client)
    form = {"form_token": signed_in_staff.form_token(ask.client)} | {
        "do": "approve",
        "version": "1",
    }
    before, wrong = two_shops.everything(), []
    for rule, (methods, passes) in _routes(app).items():
        if passes != "staff" or "<" not in rule:
            continue
        right = {KEPT_APART[rule].opens, *(() if "slug" in rule else ("number", "request"))}
        for kind, value in ask.theirs.ids:
            if kind not in right:
                done = form | FORM.get(rule, {})
                for path, method in product(_paths(rule, value), sorted(methods)):
                    answer = ask(method, path, done)
                    if answer.status_code != 404 or ask.reads_of_them(answer):
                        wrong.append((method, rule, kind, answer.status_code))

    assert (wrong, two_shops.everything() == before) == ([], True)


def _not_used_up(kept, own, mine):
    """Give ids of one's own for a route: new ones where it opens something by them."""
    return two_shops.fresh(mine) if kept.opens or kept.own else own


@demo_too
def test_no_field_query_or_header_with_an_id_of_another_shop_reaches_it(app, ask):
    signed_in_staff.sign_in(ask.client)
    token = signed_in_staff.form_token(ask.client)
    names, read, touched, asked = _field_names(), [], [], Counter()
    own = two_shops.fresh(ask.mine)
    for rule, (methods, _) in _routes(app).items():
        kept = KEPT_APART[rule]
        own = _not_used_up(kept, own, ask.mine)
        if rule in NO_FORM or kept.opens not in {"", *own}:
            continue
        shop = ask.theirs.shop
        was, named = two_shops.everything(), (shop.name, shop.slug) if rule in LISTS_SHOPS else ()
        for (kind, value), left_out in product(
            sorted(set(ask.theirs.ids)), (set(), *LEFT_OUT.get(rule, ()))
        ):
            given = dict.fromkeys(names - left_out, value)
            form = given | FORM.get(rule, {}) | {"form_token": token}
            if rule == "/desk/requests":
                form["shop"] = own["slug"]  # staff name a shop here, and may name any
            if rule == "/desk/reviews/<public_id>":
                form["version"] = own["text version"]
            headers = {"X-Shop-Id": value, "X-Shop": value, "X-Original-URL": f"/s/{value}"}
            # HEAD runs the view of GET, and shows less of it.
            for path, method in product(
                _paths(rule, own.get(kept.own or kept.opens)),
                sorted(methods - {"HEAD"}),
            ):
                if "email" in form:  # else nobody is written to from the fourth time on
                    form["email"] = f"visitor{asked.total()}@mail.example"
                answer = ask(method, path, form, given, headers)
                asked[rule, answer.status_code // 100] += 1
                reads = kept.why != STAFF and ask.reads_of_them(answer, value, *named)
                if answer.status_code == 500 or reads:
                    read.append((method, rule, kind, answer.status_code))
        now = two_shops.everything()
        # What the jobs did of themselves while a rule was made ready is no work of the requests.
        if not ask.theirs_alone & was <= now or two_shops.of_shop(now - was, ask.theirs.shop.id):
            touched.append(rule)

    assert (read, touched) == ([], [])
    never = {rule for rule, _ in asked} - {rule for rule, hundred in asked if hundred in {2, 3}}
    assert never == {"/readyz"}  # else it was kept apart by being refused for another reason
