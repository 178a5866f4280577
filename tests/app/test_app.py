"""The one gate, the error pages and the headers, for every route there is.

Also tests:
    trustsvc/http/security_headers.py
"""

import errno

import pytest
from flask import Blueprint

from tests.reviews import sample_reviews
from trustsvc import config
from trustsvc.app import BLUEPRINTS, create_app
from trustsvc.badge.statement import signing
from trustsvc.errors import Refused
from trustsvc.http import access

ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def every_path(app):
    for rule in app.url_map.iter_rules():
        path = str(rule)
        for argument in rule.arguments:
            path = path.replace(f"<{argument}>", "unknown").replace(f"<path:{argument}>", "unknown")
        yield rule, path


def test_a_view_that_does_not_say_who_may_pass_keeps_the_app_from_starting(
    installation, monkeypatch
):
    bare = Blueprint("bare", __name__)
    bare.add_url_rule("/bare", view_func=lambda: "")
    monkeypatch.setattr("trustsvc.app.BLUEPRINTS", (*BLUEPRINTS, bare))

    with pytest.raises(RuntimeError):
        create_app()


def test_every_answer_but_a_public_file_carries_the_headers(app, client):
    for _, path in every_path(app):
        if path == signing.KEYS_PATH:  # tests/badge/test_serve.py
            continue
        headers = client.get(path).headers
        for name, value in ALWAYS.items():
            assert (path, name, value) == (path, name, headers.get(name))
        assert "unsafe" not in headers["Content-Security-Policy"], path
        assert headers["Referrer-Policy"], path


def test_pages_behind_a_token_are_not_cached_not_indexed_and_send_no_referrer(app, client):
    for rule, path in every_path(app):
        if access.requirement(app.view_functions[rule.endpoint]) in {"link", "staff", "sign_in"}:
            headers = client.get(path).headers
            expected = (path, "no-store", "no-referrer", "noindex")
            assert expected == (
                path,
                headers["Cache-Control"],
                headers["Referrer-Policy"],
                headers["X-Robots-Tag"],
            )


def test_nothing_under_the_desk_opens_without_a_session(app, client):
    for rule, path in every_path(app):
        if path.startswith("/desk") and not path.startswith("/desk/enter"):
            for method in rule.methods - {"OPTIONS"}:
                answer = client.open(path, method=method)
                assert (path, 303, "/desk/enter") == (path, answer.status_code, answer.location)


def test_no_page_for_buyers_or_visitors_sets_a_cookie(app, client):
    for rule, path in every_path(app):
        for method in rule.methods:
            assert "Set-Cookie" not in client.open(path, method=method).headers, path


def test_an_error_is_a_page_to_people_and_problem_json_to_programs(client):
    page = client.get("/nowhere", headers={"Accept": "text/html", "Accept-Language": "de"})
    problem = client.get("/nowhere")

    assert (page.status_code, page.mimetype) == (404, "text/html")
    assert 'lang="de"' in page.text
    assert (problem.status_code, problem.mimetype) == (404, "application/problem+json")


def test_a_method_that_is_not_allowed_is_answered_with_those_that_are(client):
    answer = client.delete("/livez")

    assert answer.status_code == 405
    assert "GET" in answer.headers["Allow"]


def test_an_unexpected_error_tells_nobody_what_came_in(app, capfd, monkeypatch):
    from trustsvc import log

    def fail():
        raise ValueError("anna@mail.example")

    log.configure()
    monkeypatch.setitem(app.view_functions, "health.livez", access.requires("public")(fail))

    answer = app.test_client().get("/livez")

    printed = capfd.readouterr()
    assert answer.status_code == 500
    assert "ValueError" in printed.err
    assert "anna@mail" not in answer.text + printed.err + printed.out


def test_a_refusal_says_its_sentence(app, monkeypatch):
    def refuse():
        raise Refused("Say it like this.")

    monkeypatch.setitem(app.view_functions, "health.livez", access.requires("public")(refuse))

    answer = app.test_client().get("/livez")

    assert (answer.status_code, answer.json["detail"]) == (400, "Say it like this.")


def test_a_database_that_is_away_is_503_and_try_again(app, client, installation):
    nowhere = {
        "TRUSTSVC_DATA": str(installation.data),
        "TRUSTSVC_DATABASE_URL": "postgresql://trustsvc@/none?host=/nowhere",
    }
    config.use(config.load(nowhere))

    answer = client.get("/s/lamp")

    assert answer.status_code == 503
    assert answer.headers["Retry-After"]


def test_https_is_asked_for_where_the_service_is_on_https(installation):
    config.use(
        config.load(
            {
                "TRUSTSVC_DATA": str(installation.data),
                "TRUSTSVC_BASE_URL": "https://reviews.example",
            }
        )
    )

    headers = create_app().test_client().get("/livez").headers

    assert headers["Strict-Transport-Security"].startswith("max-age=")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EMFILE])
@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_what_a_machine_has_not_left_is_a_503_even_without_a_page_to_say_it(
    app, monkeypatch, number, accept
):
    @access.requires("public")
    def nothing_left(*_args, **_more):
        raise OSError(number, "canary")

    monkeypatch.setitem(app.view_functions, "health.livez", nothing_left)
    monkeypatch.setattr("trustsvc.app.render_template", nothing_left)

    answer = app.test_client().get("/livez", headers={"Accept": accept})

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")
    assert "canary" not in answer.text


def test_a_damaged_key_is_no_business_of_a_visitor(client, installation):
    made = sample_reviews.shop()
    (installation.data / "keys" / "lookup").write_text("damaged")

    answer = client.post(f"/object/{made.slug}", data={"email": "kim@mail.example"})

    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "30"
    assert "key" not in answer.text
