import re
from email import message_from_bytes, policy
from itertools import product

import pytest

from tests.invitations.sample_orders import (
    NOON,
    Post,
    invitation_of,
    invited,
    order_row,
    sent,
    shop,
)
from tests.mail import sample_emails
from trustsvc import i18n
from trustsvc.crypto import signed_links
from trustsvc.invitations.compose import InvitationDraft, greeting
from trustsvc.mail.message import to_bytes

pytestmark = pytest.mark.slow

LANGUAGES = ("nl", "de", "en", "fr")
COUNTRY = {"nl": "nl-NL", "de": "de-DE", "en": "en-GB", "fr": "fr-FR"}


def email_message(language="nl", may_ask="customers", **order):
    order_id = invited(shop(may_ask), locale=COUNTRY[language], **order)
    return order_id, sent().messages[0]


def read(one):
    data = to_bytes(one, "reviews@trust.example").data
    return message_from_bytes(data, policy=policy.default)


def parts(one):
    return [part.get_content() for part in read(one).iter_parts()]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_link_of_the_plain_text_stands_alone_on_its_line(installation, language):
    order_id, one = email_message(language)
    link = invitation_of(order_id).link
    review = signed_links.url("review", link)

    text, html = parts(one)

    links = [line for line in text.splitlines() if "://" in line]
    assert links == [
        review,
        *(f"{review}?stars={number}" for number in range(1, 6)),
        signed_links.url("stop", link),
        signed_links.url("me", link),
        f"{installation.base_url}/privacy/bakfiets-co",
    ]
    assert sorted(re.findall(r'href="([^"]*)"', html)) == sorted(links)


LINK = b"0123456789abcdef"


def rendered_at_once(place, language, kind, basis, name, at_shop):
    """Render a message as the templates do, without anything kept from another one."""
    review = signed_links.url("review", LINK)
    return i18n.render_message(
        f"invitations/{kind}",
        language,
        lang=language,
        buyer=greeting(name),
        shop=at_shop.name,
        operator=place.operator,
        basis=basis,
        review=review,
        stars=[f"{review}?stars={number}" for number in range(1, 6)],
        stop=signed_links.url("stop", LINK),
        me=signed_links.url("me", LINK),
        notice=f"{place.base_url}/privacy/{at_shop.slug}",
        reply_to=at_shop.reply_to,
    )


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", ["invitation", "reminder"])
def test_what_is_filled_into_a_skeleton_is_what_the_templates_render(installation, language, kind):
    names = ["Jan Jansen", "", "D'Arcy & Zoë", "Anna de Vries", "Zoë Müller-Lüdenscheidt", "x" * 61]
    shops = [
        sample_emails.shop(name=name, slug=f"s{at}", reply_to=reply_to)
        for at, (name, reply_to) in enumerate(
            product(["Bakfiets & Co", '"><b>{{ 7*7 }}', "slot buyer end"], ["", "s@shop.example"])
        )
    ]
    for basis, at_shop, name in product(BASES, shops, names):
        draft = InvitationDraft(
            kind=kind,
            link=LINK,
            basis=f"{basis} v1",
            language=language,
            zone="Europe/Amsterdam",
            shop=at_shop,
            recipient="jan@mail.example",
            name=name,
        )
        made = draft.compose("a" * 26, NOON)

        at_once = rendered_at_once(installation, language, kind, basis, name, at_shop)
        assert (made.subject, made.text, made.html) == at_once


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_message_says_who_asks_and_loads_nothing(installation, language):
    _, one = email_message(language)

    text, html = parts(one)

    for body in (text, html.replace("&amp;", "&")):
        assert "Bakfiets & Co" in body
        assert "Jan Jansen" in body
        assert installation.operator in body
    assert not re.search(r"<img|<script|<link|src=|url\(|@import|<iframe", html)
    assert 'name="color-scheme" content="light dark"' in html
    assert "prefers-color-scheme: dark" in html
    assert f'lang="{language}"' in html
    assert len(read(one).as_bytes()) <= 30_000


BASES = {
    "registered": ("aangemeld", "angemeldet", "registered", "inscription"),
    "consent": ("toestemming voor hebt gegeven", "eingewilligt", "agreed", "accepté"),
    "customers": ("bezwaar", "widersprechen", "object", "opposer"),
}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("basis", BASES)
def test_the_message_says_by_which_right_it_is_sent(installation, basis, language):
    from trustsvc.registry.registration import register
    from trustsvc.storage import db

    with db.transaction() as session:
        register(session, "jan@mail.example", "v1", "page", NOON)
    _, one = email_message(language, basis, consent=True)

    for body in parts(one):
        stated = [key for key, words in BASES.items() if words[LANGUAGES.index(language)] in body]
        assert stated == [basis]


@pytest.mark.parametrize("language", LANGUAGES)
def test_nobody_is_asked_for_good_stars(installation, language):
    _, one = email_message(language)

    leading_words = r"positi|5[- ]sterne?n?-|recommend|empfehl|aanbevel|recommand|goede beoordeling"
    assert not re.search(leading_words, " ".join(parts(one)), re.IGNORECASE)


def test_one_click_and_automatic_headers(installation):
    order_id, one = email_message()
    message = read(one)

    stop = signed_links.url("stop", invitation_of(order_id).link)
    assert message["List-Unsubscribe"] == f"<{stop}>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message["Auto-Submitted"] == "auto-generated"
    sender, recipient = message["From"].addresses[0], message["To"].addresses[0]
    assert (sender.display_name, sender.addr_spec) == ("Bakfiets & Co", "reviews@trust.example")
    assert (recipient.display_name, recipient.addr_spec) == ("Jan Jansen", "jan@mail.example")


def test_the_message_id_stays_over_tries_and_is_no_way_into_the_link(installation):
    from trustsvc.mail.message import SendResult, SendStatus

    order_id = invited(shop())
    first = sent(Post(SendResult(SendStatus.DEFERRED, "smtp_451"))).messages[0]
    from tests.invitations.sample_orders import message_of

    second = sent(now=message_of(order_id).due_at).messages[0]

    assert first.message_id == second.message_id
    link = invitation_of(order_id).link
    assert link.hex() not in first.message_id
    assert signed_links.token("review", link).partition(".")[0] not in first.message_id


def test_the_bytes_hold_name_address_shop_and_links_and_nothing_else(installation):
    canaries = {"identity": "canary-identity-4711"}
    order_id, one = email_message(email="canary-mail@mail.example", name="Canary Name", **canaries)

    raw = to_bytes(one, "reviews@trust.example").data.decode()
    text = raw + " ".join(parts(one))

    assert "canary-mail@mail.example" in text
    assert "Canary Name" in text
    assert "canary-identity" not in text
    assert str(order_row(order_id).reference) not in text


@pytest.mark.parametrize(
    ("name", "greeted"),
    [
        ("Jan Jansen", "Jan Jansen"),
        ("J.P. de Vries", "J.P. de Vries"),
        ("Zoë Müller-Lüdenscheidt", "Zoë Müller-Lüdenscheidt"),
        ("王小明", "王小明"),
        ("Jan\r\nBcc: x", ""),
        ("Jan\u202enesnaJ", "JannesnaJ"),
        ("Win money http://evil.example", ""),
        ("evil.example", ""),
        ("see www.evil", ""),
        ("a@b.example", ""),
        ("x" * 61, ""),
        ("", ""),
        ("\u2028\x00", ""),
    ],
)
def test_a_name_that_is_none_is_not_repeated_to_whoever_gets_the_message(name, greeted):
    assert greeted == greeting(name)


def test_a_hostile_name_is_text_in_the_html(installation):
    _, one = email_message(name="<b>Jan</b>", email="jan@mail.example")
    assert "<b>Jan" not in parts(one)[1]

    order_id = invited(shop(name='"><script>{{ 7*7 }}'), email="b@mail.example")
    html = parts(sent().messages[0])[1]
    assert order_id
    assert "<script" not in html
    assert "{{ 7*7 }}" in html


ANSWERS = {"nl": "Een antwoord op", "de": "Eine Antwort auf", "en": "An answer to", "fr": "Une rép"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_answer_reaches_the_shop_and_the_e_mail_says_so(installation, language):
    order_id = invited(shop(reply_to="service@shop.example"), locale=COUNTRY[language])
    (one,) = sent().messages

    assert order_id
    (address,) = read(one)["Reply-To"].addresses
    assert address.addr_spec == "service@shop.example"
    for body in parts(one):
        (line,) = [text for text in body.splitlines() if ANSWERS[language] in text]
        assert "Bakfiets &amp; Co" in line or "Bakfiets & Co" in line
        assert "service@shop.example" not in body


@pytest.mark.parametrize("language", LANGUAGES)
def test_without_an_address_of_the_shop_answers_are_not_mentioned(installation, language):
    _, one = email_message(language)

    assert read(one)["Reply-To"] is None
    assert not any(ANSWERS[language] in body for body in parts(one))
