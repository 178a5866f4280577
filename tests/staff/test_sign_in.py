"""Tests:
trustsvc/staff/token_hashes.py
trustsvc/staff/views.py
"""

import re
import threading
from datetime import timedelta

import pytest
from sqlalchemy import select

from tests.staff.signed_in_staff import one_time_link, sign_in
from trustsvc import clock, config
from trustsvc.crypto import keyring, signed_links
from trustsvc.staff.models import staff_links, staff_sessions
from trustsvc.storage import db


def test_opening_the_link_changes_nothing_however_often_and_by_whatever(client):
    path = one_time_link()

    for _ in range(3):
        assert client.get(path).status_code == 200
        assert client.head(path).status_code == 200
        assert client.options(path).status_code == 200

    assert "Set-Cookie" not in client.get(path).headers
    with db.reading() as session:
        assert session.scalars(select(staff_links.c.used_at)).all() == [None]
        assert session.execute(select(staff_sessions)).all() == []


def test_the_button_lets_in_once(app):
    path = one_time_link()
    first, second = app.test_client(), app.test_client()

    answer = first.post(path)

    assert (answer.status_code, answer.headers["Location"]) == (303, "/desk/")
    assert first.get("/desk/").status_code == 200
    assert second.post(path).status_code == 410
    assert second.get(path).status_code == 410
    assert second.get("/desk/").status_code == 303


def test_the_cookie_is_kept_from_scripts_other_sites_and_other_pages(client):
    cookie = client.post(one_time_link()).headers["Set-Cookie"]

    assert re.fullmatch(
        r"desk=[\w-]{43}; Expires=[^;]+; Max-Age=43200; HttpOnly; Path=/desk; SameSite=Strict",
        cookie,
    )


@pytest.mark.parametrize(
    "installation", [{"TRUSTSVC_BASE_URL": "https://reviews.example.com"}], indirect=True
)
def test_over_tls_the_cookie_is_secure_and_named_so(client):
    answer = client.post(one_time_link(), base_url="https://reviews.example.com")

    assert answer.headers["Set-Cookie"].startswith("__Secure-desk=")
    assert "; Secure;" in answer.headers["Set-Cookie"]
    assert client.get("/desk/", base_url="https://reviews.example.com").status_code == 200


def test_of_many_posts_at_once_one_gets_in(app):
    path = one_time_link()
    answers = []
    clients = [app.test_client() for _ in range(8)]
    threads = [
        threading.Thread(target=lambda c=c: answers.append(c.post(path).status_code))
        for c in clients
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(answers) == [303] + [410] * 7


def test_another_spelling_of_a_used_link_does_not_open_again(client):
    path = one_time_link()
    client.post(path)

    for again in (f"{path}=", f"{path}=="):
        assert client.post(again).status_code in {404, 410}


def test_a_link_ends_after_24_hours(client):
    path = one_time_link()

    with clock.at(clock.now() + timedelta(hours=23, minutes=59)):
        assert client.get(path).status_code == 200
    with clock.at(clock.now() + timedelta(hours=24, seconds=1)):
        assert client.get(path).status_code == 410
        assert client.post(path).status_code == 410


@pytest.mark.parametrize("made_for", ["review", "stop", "me", "staff"])
def test_a_link_that_is_not_one_of_the_desks_opens_nothing(client, made_for):
    token = signed_links.token(made_for, signed_links.new_id())

    expected = 410 if made_for == "staff" else 404
    assert client.get(f"/desk/enter/{token}").status_code == expected
    assert client.post(f"/desk/enter/{token}").status_code == expected


@pytest.mark.parametrize("token", ["x", ".", "%00", "%ff%fe", "a" * 5000, "<script>", "\u202e"])
def test_nonsense_is_nothing_here(client, token):
    answer = client.post(f"/desk/enter/{token}", headers={"Accept": "text/html"})

    assert answer.status_code == 404
    assert token.encode() not in answer.data or len(token) == 1


def test_a_session_ends_after_12_hours(client):
    sign_in(client)

    with clock.at(clock.now() + timedelta(hours=11, minutes=59)):
        assert client.get("/desk/").status_code == 200
    with clock.at(clock.now() + timedelta(hours=12, seconds=1)):
        client.set_cookie("desk", sign_in(client), path="/desk")
        assert client.get("/desk/").status_code == 200
    with clock.at(clock.now() + timedelta(hours=25)):
        assert client.get("/desk/").status_code == 303


def test_signing_out_ends_the_session_wherever_its_cookie_was_copied_to(client, app):
    cookie = sign_in(client)
    page = client.get("/desk/").text
    form_token = re.search(r'name="form_token" value="([0-9a-f]{64})"', page)[1]

    answer = client.post("/desk/leave", data={"form_token": form_token})

    assert (answer.status_code, answer.headers["Location"]) == (303, "/desk/enter")
    assert "Path=/desk" in answer.headers["Set-Cookie"]
    copy = app.test_client()
    copy.set_cookie("desk", cookie, path="/desk")
    assert copy.get("/desk/").status_code == 303


def test_the_database_holds_nothing_that_lets_in(client, installation):
    path = one_time_link()
    cookie = sign_in(client)
    link_id = signed_links.verify("staff", path.rpartition("/")[2])

    with db.reading() as session:
        kept = [*session.scalars(select(staff_links.c.link_hash))]
        kept += session.scalars(select(staff_sessions.c.session_hash))

    assert {len(mark) for mark in kept} == {32}
    assert not any(link_id in mark or cookie.encode() in mark for mark in kept)


def test_a_new_key_signs_nobody_out(client, installation):
    path = one_time_link()
    sign_in(client)
    with (installation.data / "keys" / "desk").open("a") as ring:
        ring.write("2 bm90IGEgcmVhbCBrZXksIGp1c3QgMzIgYnl0ZXMgLi4=\n")
    assert len(keyring.keys("desk")) == 2

    assert client.get("/desk/").status_code == 200
    assert client.post(path).status_code == 303


def test_a_session_of_another_installation_is_nobodys(client, tmp_path):
    cookie = sign_in(client)
    with db.transaction() as session:
        session.execute(staff_sessions.delete())

    client.set_cookie("desk", cookie, path="/desk")
    assert client.get("/desk/").status_code == 303


@pytest.mark.parametrize("cookie", ["", "x", "é" * 43, "a" * 4000, "' OR 1=1 --", "\x00"])
def test_a_cookie_we_never_gave_is_nobodys(installation, cookie):
    from trustsvc.staff import sessions

    assert sessions.find_session(cookie) is None


def test_the_pages_of_the_desk_speak_the_readers_language(client):
    page = client.get(one_time_link(), headers={"Accept-Language": "nl-NL,nl;q=0.9"}).text

    assert '<html lang="nl">' in page
    assert "Aanmelden" in page
    assert config.current().base_url not in page
