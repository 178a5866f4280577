"""Answer objections that came without a link: from the page that takes any address."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy.orm import Session

from trustsvc.crypto.pseudonyms import registry_pseudonyms
from trustsvc.orders import privacy_requests
from trustsvc.orders.privacy_requests import PrivacyRequest
from trustsvc.privacy import request_log
from trustsvc.privacy.rights import objection, objection_bursts, people
from trustsvc.privacy.rights.confirmation import confirm, my_data_link
from trustsvc.privacy.rights.people import Person
from trustsvc.registry.opt_out import remove_opt_outs
from trustsvc.registry.personal_data import is_registered, opted_out_at
from trustsvc.shops import directory
from trustsvc.storage.columns import EVERY_SHOP
from trustsvc.transactional_mail import hourly_limit


def answer(session: Session, request: PrivacyRequest, now: datetime) -> None:
    """Finish an objection, or ask the owner of the address to confirm it.

    At the shop it holds at once for a buyer whom the shop knows; then invitation and contact go,
    and the copy is sent. Anything else only by the link in a message: anybody can type an address.
    A stranger gets one message, whatever the objection is meant for.
    """
    is_for_all = request.everywhere or request.shop_id == EVERY_SHOP
    must_confirm = request.shop_id != EVERY_SHOP and not _holds_at_shop(session, request, now)
    if is_for_all:
        at_all = replace(request, shop_id=EVERY_SHOP, everywhere=False)
        _ask_to_confirm(session, at_all, "object_all", "", now)
    elif must_confirm:
        slug = directory.by_id(session, request.shop_id).slug
        _ask_to_confirm(session, request, "object_shop", f"?scope=at-{slug}", now)


def _holds_at_shop(session: Session, request: PrivacyRequest, now: datetime) -> bool:
    """Do what follows at the shop for its buyer; False where the address must confirm it first."""
    person = people.by_address(session, request.address, [request.shop_id])
    person = people.lock(session, _with_language(person, request))
    since = opted_out_at(session, person.all_pseudonyms)
    if since is None:
        return False
    is_of_this = since == request.requested_at
    if not is_of_this and privacy_requests.is_waiting(session, request.shop_id, since):
        return True  # held: its own answer comes, with the copy
    if _is_buyer(session, person) or objection_bursts.is_of_buyer(
        session, person.all_pseudonyms, since
    ):
        # Its own, or one that took it over since: by a link, or moved by an undoing.
        is_first = request.requested_at is not None and since >= request.requested_at
        tell = is_of_this or (
            is_first and objection_bursts.is_of_buyer(session, person.all_pseudonyms, since)
        )
        objection.follow_up(session, person, now, new=tell, tell=tell)
        if is_first:
            objection.log_request(session, person, now, asked_at=since)
        return True
    if is_of_this:  # nobody whom the shop knows
        remove_opt_outs(session, {request.shop_id: person.all_pseudonyms}, now, of=since)
    return opted_out_at(session, person.all_pseudonyms) is not None


def _ask_to_confirm(
    session: Session, request: PrivacyRequest, template: str, choice: str, now: datetime
) -> None:
    """Write the message with the link; it waits while the hour's messages are all written.

    That it was asked for is a line of the request log; the confirmed objection is its own.
    """
    if opted_out_at(session, registry_pseudonyms(request.address)) is not None:
        return  # everywhere, by a link: nothing is left to confirm
    is_at_all = request.shop_id == EVERY_SHOP
    shop_id = None if is_at_all else request.shop_id
    if hourly_limit.is_reached(session, template, now, shop_id=shop_id, network=request.network):
        privacy_requests.put_back(session, request, now, hourly_limit.RETRY_DELAY)
        return
    person = people.by_address(session, request.address, None if is_at_all else [request.shop_id])
    person = _with_language(person, request)
    facts = {"link": f"{my_data_link(session, person, now)}/object{choice}"}
    if confirm(session, person, template, now, facts, request.network):
        request_log.record_answered(
            session,
            request_log.Right.OBJECT,
            request.shop_id,
            request_log.ASKED_TO_CONFIRM,
            now,
            request.requested_at,
        )


def _is_buyer(session: Session, person: Person) -> bool:
    """Say whether the person bought or wrote at this shop, or registered to be asked by any."""
    return person.is_known or is_registered(session, people.registry_names(person))


def _with_language(person: Person, request: PrivacyRequest) -> Person:
    return person if person.is_stored else people.with_language(person, request.language)
