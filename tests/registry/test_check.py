import pytest
from sqlalchemy import select

from tests.key_rotation import add_key
from trustsvc.clock import now
from trustsvc.crypto import pseudonyms
from trustsvc.errors import Refused
from trustsvc.registry import registration, restriction
from trustsvc.registry.check import RegistryQuery, RegistryStatus, statuses
from trustsvc.registry.models import opt_outs, registered_buyers
from trustsvc.registry.opt_out import opt_out
from trustsvc.storage import db
from trustsvc.storage.columns import EVERY_SHOP

pytestmark = pytest.mark.both_databases

NOBODY = RegistryStatus(registered=False, opted_out=False)


def ask(*questions):
    with db.reading() as session:
        return statuses(session, [RegistryQuery(*question) for question in questions])


def test_a_registered_buyer_is_known_at_every_shop_however_the_address_is_spelled(installation):
    with db.transaction() as session:
        registration.register(session, "Jan@Bücher.example", "v1", "page", now())

    answers = ask(
        (1, " jan@xn--bcher-kva.example"), (2, "JAN@BÜCHER.EXAMPLE"), (1, "piet@a.example")
    )

    known = RegistryStatus(registered=True, opted_out=False)
    assert answers == [known, known, NOBODY]


def test_an_opt_out_at_one_shop_is_not_one_at_another(installation):
    with db.transaction() as session:
        opt_out(session, "jan@mail.example", 1, "stop", now())

    out = RegistryStatus(registered=False, opted_out=True)
    assert ask((1, "Jan@Mail.example"), (2, "jan@mail.example")) == [out, NOBODY]


def test_an_opt_out_everywhere_holds_at_every_shop(installation):
    with db.transaction() as session:
        opt_out(session, "jan@mail.example", EVERY_SHOP, "objection", now())

    assert [
        answer.opted_out for answer in ask((1, "jan@mail.example"), (7, "jan@mail.example"))
    ] == [
        True,
        True,
    ]


def test_opting_out_twice_keeps_the_first_moment_and_reason(installation):
    first = now()
    with db.transaction() as session:
        opt_out(session, "jan@mail.example", 1, "stop", first)
        opt_out(session, "JAN@mail.example", 1, "complaint", now())

    with db.reading() as session:
        assert [row.reason for row in session.execute(select(opt_outs))] == ["stop"]


def test_nothing_of_an_unregistered_buyer_is_stored_by_asking(installation):
    with db.transaction() as session:
        statuses(session, [RegistryQuery(1, "nobody@mail.example")])

    with db.reading() as session:
        assert session.execute(select(registered_buyers)).all() == []
        assert session.execute(select(opt_outs)).all() == []


def test_an_address_no_pseudonym_can_be_made_of_counts_as_opted_out(installation):
    refused = RegistryStatus(registered=False, opted_out=True)

    assert (
        ask((1, "no address"), (1, "a\r\nb@mail.example"), (1, "ﬁ@mail.example")) == [refused] * 3
    )


def test_more_questions_than_fit_in_one_statement_are_answered_in_their_order(installation):
    with db.transaction() as session:
        for number in (0, 700, 1199):
            registration.register(session, f"b{number}@mail.example", "v1", "page", now())

    answers = ask(*((1, f"b{number}@mail.example") for number in range(1200)))

    assert [at for at, answer in enumerate(answers) if answer.registered] == [0, 700, 1199]


def test_many_questions_are_answered_as_each_alone(installation):
    questions = [(shop_id, f"b{n}@mail.example") for n in range(8) for shop_id in (1, 2)]
    with db.transaction() as session:
        registration.register(session, "b1@mail.example", "v1", "page", now())
        opt_out(session, "b1@mail.example", 1, "stop", now())
        opt_out(session, "b2@mail.example", EVERY_SHOP, "objection", now())
        for shop_id, email in ((2, "b3@mail.example"), (EVERY_SHOP, "b4@mail.example")):
            mine = (
                pseudonyms.shop_pseudonyms(shop_id, email)
                if shop_id
                else pseudonyms.registry_pseudonyms(email)
            )
            restriction.restrict(session, mine, shop_id, now())
    add_key(installation, "registry")
    add_key(installation, "lookup")

    answers = ask(*questions)

    assert answers == [ask(one)[0] for one in questions]
    assert sum(one.registered for one in answers) == 2
    assert sum(one.opted_out for one in answers) == 3
    assert sum(one.restricted for one in answers) == 3


def test_no_question_is_no_answer(installation):
    assert ask() == []


def test_pseudonyms_of_an_older_key_are_still_known(installation):
    with db.transaction() as session:
        registration.register(session, "jan@mail.example", "v1", "page", now())
        opt_out(session, "piet@mail.example", 3, "stop", now())
    add_key(installation, "registry")
    add_key(installation, "lookup")

    jan, piet = ask((3, "jan@mail.example"), (3, "piet@mail.example"))

    assert (jan.registered, piet.opted_out) == (True, True)


def test_registering_again_keeps_the_first_proof_over_a_rotation_too(installation):
    with db.transaction() as session:
        assert registration.register(session, "jan@mail.example", "v1", "page", now())
    add_key(installation, "registry")

    with db.transaction() as session:
        assert not registration.register(session, "JAN@mail.example", "v2", "page", now())

    with db.reading() as session:
        assert [row.consent_version for row in session.execute(select(registered_buyers))] == ["v1"]


def test_leaving_forgets_the_registration_and_twice_does_no_harm(installation):
    with db.transaction() as session:
        registration.register(session, "jan@mail.example", "v1", "page", now())
        assert registration.leave(session, "Jan@mail.example")
        assert not registration.leave(session, "jan@mail.example")

    assert ask((1, "jan@mail.example")) == [NOBODY]


def test_registering_what_is_no_address_is_refused_without_repeating_it(installation):
    with db.transaction() as session, pytest.raises(Refused) as refused:
        registration.register(session, "secret-thing", "v1", "page", now())

    assert "secret" not in str(refused.value)


def test_a_question_does_not_show_the_address(installation):
    assert "jan" not in repr(RegistryQuery(1, "jan@mail.example"))
