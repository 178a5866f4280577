from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as some
from sqlalchemy import func, select

from tests.invitations.sample_orders import NOON, invitation_of, invited, quiet, shop
from tests.registry import registrations
from tests.staff import signed_in_staff
from trustsvc import clock
from trustsvc.crypto import signed_links
from trustsvc.http.link_end import without_end
from trustsvc.registry.models import opt_outs
from trustsvc.storage import db

pytestmark = pytest.mark.slow

TOKEN = "kzbjKDCMwnJZWqSvoCCEQA.lO5AnxIhMdF2nPTmWo7GGKAtnLs9j8BCnCTRLd79svk"
ENDS = [  # as they stand in the address that is asked for
    *(quote(sign, safe="") for sign in ".)>\",;:!=/' \t\n\r\\*]}|?#\0…”»\xa0\u200b🙂"),
    *(".", ")", ",", ";", ":", "!", "=", "/", "'", "*"),
    *("//", "/.", "/)", ").", "),", "%22%3E", "/%3E", "%3C/a%3E", "=0A", "=C2=A0", "=3D"),
    *("&gt;", "&quot;", "%26gt%3B", "%253E", "%2Fa%3E", ".Thank", ".html", "%3Fstars=5", "%FF"),
]


@pytest.fixture
def link_id(installation):
    with clock.at(NOON):
        yield invitation_of(invited(shop())).link


def path(purpose, link_id):
    return f"/{signed_links.PATHS[purpose]}/{signed_links.token(purpose, link_id)}"


def opted_out():
    with db.reading() as session:
        return session.scalar(select(func.count()).select_from(opt_outs))


def seen(answer):
    return answer.status_code, dict(answer.headers), answer.data


@pytest.mark.parametrize("purpose", ["review", "stop", "me"])
def test_a_link_of_an_invitation_opens_whatever_stands_behind_it(client, link_id, purpose):
    clean = path(purpose, link_id)
    expected = seen(client.get(clean))

    assert expected[0] == 200
    assert client.head(f"{clean}%3E").status_code == 200
    for end in ENDS if purpose == "stop" else ENDS[::3]:
        assert seen(client.get(clean + end)) == expected, end


def test_stop_by_mail_program_and_by_button_never_fails_for_it(client, installation):
    at_shop = shop()
    for number, end in enumerate(ENDS):
        order_id = invited(at_shop, email=f"buyer-{number}@buyers.example")
        clean = path("stop", invitation_of(order_id).link)

        by_program = client.post(clean + end, data={"List-Unsubscribe": "One-Click"})

        assert by_program.status_code == 200, end
        assert opted_out() == number + 1, end
        assert seen(client.post(clean)) == seen(by_program), end


REVIEW = {"stars": "4", "text": "Goed.", "name": "Ada", "consent": "no"}


def test_a_review_is_written_through_such_a_link_and_leads_to_the_clean_one(client, link_id):
    clean = path("review", link_id)

    with quiet():
        done = client.post(clean + "%3E", data=REVIEW)

    assert (done.status_code, done.headers["Location"]) == (303, clean)
    assert f'action="{clean}/register"' in client.get(clean + ").").text


@pytest.mark.parametrize("end", [")", ".", "%3E", ",", "%20", "%22", ""])
def test_the_clicked_star_is_kept(client, link_id, end):
    page = client.get(f"{path('review', link_id)}?stars=3{end}").text

    assert page.count("checked") == 1


@pytest.mark.parametrize("word", ["confirm", "leave"])
def test_the_links_of_a_registration_open_and_work(client, word):
    at_shop = shop("registered")
    registrations.ask(client, at_shop)
    (first,) = registrations.posted()
    clean = registrations.path_in(first, "confirm")
    if word == "leave":
        registrations.confirm(client, first)
        (second,) = registrations.posted()
        clean = registrations.path_in(second, "leave")

    for end in ENDS[::3]:
        assert seen(client.get(clean + end)) == seen(client.get(clean)), end
    with quiet():
        assert client.post(clean + ">").status_code == 200
    assert len(registrations.entries()) == (0 if word == "leave" else 1)


def test_the_one_time_link_of_staff_opens_and_signs_in(client, installation):
    clean = signed_in_staff.one_time_link("Kim")

    for end in ENDS[::3]:
        assert seen(client.get(clean + end)) == seen(client.get(clean)), end
    assert client.post(clean + ").").headers["Location"] == "/desk/"
    assert client.get("/desk/").status_code == 200


@pytest.mark.parametrize("below", ["erase", "correct", "copy.json"])
def test_pages_below_a_link_stay_pages(client, link_id, below):
    answer = client.get(f"{path('me', link_id)}/{below}")

    assert answer.status_code == 200
    assert answer.data != client.get(path("me", link_id)).data


def test_a_link_we_did_not_make_stays_closed_whatever_stands_behind_it(client, link_id):
    good = path("stop", link_id)
    wrong = [
        f"/u/{TOKEN}",
        path("me", link_id).replace("/me/", "/u/"),
        f"{good}A",
        f"{good}-)",
        f"{good}_",
        good[:-1],
    ]

    answers = {seen(client.get(one + end))[::2] for one in wrong for end in ("", *ENDS)}

    assert len(answers) == 1  # one answer for all of them: no oracle
    assert answers.pop()[0] == 404
    assert opted_out() == 0


def test_no_end_leads_to_another_site(client, link_id):
    for end in ("//evil.example", "/%2F%2Fevil.example", "@evil.example", "%0d%0aLocation:%20x"):
        for purpose in ("review", "stop", "me"):
            answer = client.get(path(purpose, link_id) + end)
            assert "evil" not in answer.text + str(answer.headers)
            assert answer.status_code in {200, 404}


@given(some.text(), some.text(alphabet="./>&;=abz%\n "))
def test_an_end_is_cut_once_and_the_token_stays(first, more):
    for name in signed_links.PATHS.values():
        clean = f"/{name}/{TOKEN}"
        kept = without_end(clean + first + more)

        assert kept.startswith(clean)
        assert without_end(kept) == kept


@pytest.mark.parametrize("other", ["/", "", "/u/", "/u/x)", "/me", "/s/shop/", "/desk/enter", "*"])
def test_other_paths_stay(other):
    assert without_end(other) == other


@pytest.mark.parametrize("end", [".", ")", ">", "/", "&gt;", ""])
def test_a_shops_notice_opens_with_a_sign_behind_it_and_its_versions_stay(end):
    assert without_end(f"/privacy/blue-lamp{end}") == "/privacy/blue-lamp"
    assert without_end("/privacy/blue-lamp/3") == "/privacy/blue-lamp/3"
