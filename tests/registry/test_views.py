import threading
from datetime import timedelta

import pytest
from sqlalchemy import select

from tests import rate_limits
from tests.invitations import sample_orders
from tests.invitations.sample_orders import quiet
from tests.registry.registrations import JAN, ask, confirm, entries, join, path_in, pending, posted
from trustsvc import clock
from trustsvc.crypto import pseudonyms, signed_links
from trustsvc.i18n import LANGUAGES
from trustsvc.registry import double_opt_in, views
from trustsvc.registry.check import RegistryQuery, statuses
from trustsvc.registry.double_opt_in import CONFIRMATION_LINK_LIFETIME
from trustsvc.registry.models import consent_texts
from trustsvc.registry.opt_out import opt_out
from trustsvc.storage import db, suppression_journal
from trustsvc.storage.columns import EVERY_SHOP
from trustsvc.transactional_mail.enqueue import MAX_PER_DAY
from trustsvc.transactional_mail.models import transactional_messages


@pytest.fixture
def shop(app):
    rate_limits.reset()
    return sample_orders.shop("registered")


def is_registered(address=JAN):
    with db.reading() as session:
        return statuses(session, [RegistryQuery(1, address)])[0].registered


def test_two_steps_register_a_buyer_and_nothing_less_does(client, shop):
    assert client.get(f"/register/{shop.slug}").status_code == 200
    assert ask(client, shop).status_code == 200
    (message,) = posted()
    assert message.to_address == JAN
    for _ in range(3):  # scanners open links
        assert client.get(path_in(message, "confirm")).status_code == 200
    assert not is_registered()

    done = confirm(client, message)

    assert done.status_code == 200
    assert is_registered()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_says_it_all_in_every_language(client, shop, language):
    page = client.get(f"/register/{shop.slug}", headers={"Accept-Language": language}).text

    assert f'<html lang="{language}">' in page
    for part in (f"/privacy/{shop.slug}", f"/privacy/{shop.slug}#object", 'type="email"'):
        assert part in page
    assert double_opt_in.consent_text(double_opt_in.CONSENT_VERSION, language) in page
    assert "{" not in page


def test_the_proof_of_consent_is_kept_word_for_word(client, shop):
    with quiet():
        german = {"Accept-Language": "de"}
        client.post(f"/register/{shop.slug}", data={"email": JAN, "source": "card"}, headers=german)
    (asked,) = pending()
    (message,) = posted()
    with clock.at(asked.requested_at + timedelta(hours=5)):
        confirm(client, message)

    (entry,) = entries()
    assert (entry.consent_version, entry.language, entry.source) == (
        double_opt_in.CONSENT_VERSION,
        "de",
        "card",
    )
    assert entry.requested_at == asked.requested_at
    assert timedelta(hours=5) <= entry.at - entry.requested_at < timedelta(hours=5, minutes=1)
    with db.reading() as session:
        (recorded,) = session.execute(select(consent_texts)).all()
    assert (recorded.version, recorded.language) == (double_opt_in.CONSENT_VERSION, "de")
    assert recorded.text == double_opt_in.consent_text(double_opt_in.CONSENT_VERSION, "de")


def test_the_address_is_sealed_and_forgotten_when_it_is_confirmed(client, shop, installation):
    ask(client, shop)
    assert pending()[0].address == JAN
    (message,) = posted()

    confirm(client, message)
    posted()

    (row,) = pending()
    assert (row.address, row.address_pseudonym) == (None, None)
    with db.reading() as session:
        assert {row.address for row in session.execute(select(transactional_messages))} == {None}


def test_no_answer_tells_who_is_registered_opted_out_or_asked_too_often(client, shop):
    join(client, shop, "known@mail.example")
    with db.transaction() as session:
        opt_out(session, "out@mail.example", EVERY_SHOP, "objection", clock.now())
    often = [ask(client, shop, "often@mail.example") for _ in range(MAX_PER_DAY + 2)]

    answers = [ask(client, shop, f"{who}@mail.example") for who in ("new", "known", "out")]

    assert {(a.status_code, a.data) for a in [*often, *answers]} == {(200, answers[0].data)}
    headers = {tuple((k, v) for k, v in a.headers if k != "Date") for a in [*often, *answers]}
    assert len(headers) == 1
    assert b"@mail.example" not in answers[0].data
    assert len(pending()) == 1 + MAX_PER_DAY + 3


@pytest.mark.parametrize("text", ["", "jan", "jan@", "a b@mail.example", "x" * 9000, "<b>@x"])
def test_what_is_no_address_is_refused_and_nothing_is_written(client, shop, text):
    answer = ask(client, shop, text)

    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert "<b>@x" not in answer.text
    assert pending() == []


def test_the_card_shows_the_address_on_our_page_and_does_nothing(client, shop):
    answer = ask(client, shop, '"><i>@x.example', step="look", source="card")

    assert answer.status_code == 200
    assert 'value="&#34;&gt;&lt;i&gt;@x.example"' in answer.text
    assert 'name="source" value="card"' in answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert (pending(), posted()) == ([], [])


def test_an_unknown_shop_has_no_page(client, shop):
    assert client.get("/register/nobody").status_code == 404
    assert client.post("/register/nobody", data={"email": JAN}).status_code == 404


def test_a_flood_from_one_network_is_stopped_and_others_are_not(client, shop):
    def attempt(number, network):
        with quiet():
            return client.post(
                f"/register/{shop.slug}",
                data={"email": f"b{number}@mail.example"},
                headers={"Accept": "text/html"},
                environ_base={"REMOTE_ADDR": f"{network}.{number % 200}"},
            )

    codes = [
        attempt(number, "198.51.100").status_code
        for number in range(views.registration_limit.limit + 1)
    ]
    last = attempt(1, "198.51.100")
    other = attempt(2, "203.0.113")

    assert codes == [200] * views.registration_limit.limit + [429]
    assert (last.status_code, last.mimetype) == (429, "text/html")
    assert last.headers["Retry-After"]
    assert other.status_code == 200


def test_a_link_is_good_for_72_hours_and_not_a_moment_longer(client, shop):
    ask(client, shop)
    (message,) = posted()
    end = pending()[0].requested_at + CONFIRMATION_LINK_LIFETIME

    with clock.at(end + timedelta(seconds=1)):
        late = client.get(path_in(message, "confirm")), confirm(client, message)
    with clock.at(end - timedelta(minutes=1)):
        early = confirm(client, message)

    assert [answer.status_code for answer in late] == [410, 410]
    assert early.status_code == 200
    assert is_registered()


def test_a_link_registers_once_however_it_is_spelled_and_does_not_undo_leaving(client, shop):
    ask(client, shop)
    (message,) = posted()
    confirm(client, message)
    (welcome,) = posted()
    client.post(path_in(welcome, "leave"))

    again = [confirm(client, message), client.post(path_in(message, "confirm") + "=")]

    assert again[0].status_code == 200
    assert (is_registered(), posted()) == (False, [])


def test_confirming_settles_all_requests_of_the_address(client, shop):
    for spelling in (JAN, "JAN@mail.example"):
        ask(client, shop, spelling)
    first, second = posted()

    confirm(client, first)
    posted()

    assert [row.address for row in pending()] == [None, None]
    assert confirm(client, second).status_code == 200
    assert posted() == []
    assert len(entries()) == 1


def test_links_pressed_at_once_register_once_and_say_so_once(app, client, shop):
    for _ in range(2):
        ask(client, shop)
    messages = posted() * 4
    answers = []

    def press(message):
        answers.append(confirm(app.test_client(), message).status_code)

    threads = [threading.Thread(target=press, args=[message]) for message in messages]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert answers == [200] * 8
    assert (len(entries()), len(posted())) == (1, 1)


def test_registering_twice_keeps_the_first_proof_and_the_first_way_out(client, shop):
    first = join(client, shop)
    proof = entries()

    second = join(client, shop)

    assert entries() == proof
    assert path_in(first, "leave") == path_in(second, "leave")


def test_an_opt_out_for_all_shops_stays_in_force_and_the_page_says_so(client, shop):
    with db.transaction() as session:
        opt_out(session, JAN, EVERY_SHOP, "stop", clock.now())
    ask(client, shop)
    (message,) = posted()

    page = client.get(path_in(message, "confirm")).text
    done = confirm(client, message).text

    assert "http://127.0.0.1:8000/me" in page
    assert "http://127.0.0.1:8000/me" in done
    with db.reading() as session:
        assert statuses(session, [RegistryQuery(1, JAN)])[0].opted_out


@pytest.mark.parametrize("body", [{}, {"List-Unsubscribe": "One-Click"}, {"x": "y"}])
def test_leaving_is_one_click_by_page_and_by_mail_program(client, shop, body):
    welcome = join(client, shop)
    path = path_in(welcome, "leave")
    assert client.get(path).status_code == 200
    assert is_registered()

    answers = [client.post(path, data=body) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert (is_registered(), entries()) == (False, [])
    assert client.get(path).status_code == 200
    (line,) = suppression_journal.read().lines
    assert (line.kind, line.subject) == ("unregister", pseudonyms.registry_pseudonym(JAN))


def test_the_message_that_says_so_lets_mail_programs_leave(client, shop):
    welcome = join(client, shop)

    link = welcome.headers["List-Unsubscribe"].strip("<>")
    assert link.endswith(path_in(welcome, "leave"))
    assert welcome.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_the_message_that_asks_is_no_advertising_and_has_nothing_to_stop(client, shop):
    ask(client, shop)
    (message,) = posted()

    assert message.headers == {}
    assert f"/privacy/{shop.slug}" in message.text
    assert message.text.count("http") == 2


def test_leaving_stops_messages_that_have_not_left(client):
    shop = sample_orders.shop("registered")
    welcome = join(client, shop)
    order = sample_orders.invited(shop, email=JAN)
    assert sample_orders.message_of(order).state == "due"

    client.post(path_in(welcome, "leave"))

    assert sample_orders.sent_invitations().messages == []
    message = sample_orders.message_of(order)
    assert (message.state, message.reason) == ("dropped", "no_basis_registered")
    assert sample_orders.order_row(order).email is None


def test_links_of_one_purpose_open_nothing_of_another(client, shop):
    link = signed_links.new_id()
    for made, opened in (("leave", "confirm"), ("register", "leave"), ("me", "confirm")):
        token = signed_links.token(made, link)
        path = f"/register/{opened}/{token}"
        assert (path, client.get(path).status_code) == (path, 404)
        assert (path, client.post(path).status_code) == (path, 404)


def test_a_link_that_was_never_sent_confirms_nothing(client, shop):
    path = f"/register/confirm/{signed_links.token('register', signed_links.new_id())}"

    assert (client.get(path).status_code, client.post(path).status_code) == (410, 410)
    assert entries() == []


def test_the_words_of_a_version_never_change():
    """Who agreed to a version agreed to these words; other words are another version."""
    from cryptography.hazmat.primitives import hashes

    made = hashes.Hash(hashes.SHA256())
    for language in LANGUAGES:
        made.update(double_opt_in.consent_text("registration-1", language).encode())

    assert made.finalize().hex()[:16] == "ba8fa78f0173364c"
