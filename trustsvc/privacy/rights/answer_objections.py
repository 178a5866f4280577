"""Answer objections that came without a link: from the page that takes any address."""

from datetime import datetime

from sqlalchemy.orm import Session

from trustsvc.orders import privacy_requests
from trustsvc.orders.privacy_requests import PrivacyRequest
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
    """
    if request.shop_id == EVERY_SHOP:
        person = people.by_address(session, request.address)
        _ask_to_confirm(session, request, person, "object_all", "", now)
        return
    person = people.by_address(session, request.address, [request.shop_id])
    person = people.lock(session, _with_language(person, request))
    since = opted_out_at(session, person.all_pseudonyms)
    is_of_this = since is not None and since == request.requested_at
    if since is not None and (
        _is_buyer(session, person)
        or objection_bursts.is_of_buyer(session, person.all_pseudonyms, since)
    ):
        objection.follow_up(session, person, now, new=is_of_this, tell=is_of_this)
        if is_of_this:
            objection.log_request(session, person, now)
        return
    if is_of_this:  # nobody whom the shop knows
        remove_opt_outs(session, {request.shop_id: person.all_pseudonyms}, now, of=since)
    if since is None or is_of_this:
        slug = directory.by_id(session, request.shop_id).slug
        _ask_to_confirm(session, request, person, "object_shop", f"?scope=at-{slug}", now)


def _ask_to_confirm(
    session: Session,
    request: PrivacyRequest,
    person: Person,
    template: str,
    choice: str,
    now: datetime,
) -> None:
    """Write the message with the link; it waits while the hour's messages are all written."""
    if hourly_limit.is_reached(session, template, now):
        privacy_requests.put_back(session, request, now + hourly_limit.RETRY_DELAY)
        return
    person = _with_language(person, request)
    link = f"{my_data_link(session, person, now)}/object{choice}"
    confirm(session, person, template, now, {"link": link})


def _is_buyer(session: Session, person: Person) -> bool:
    """Say whether the person bought or wrote at this shop, or registered to be asked by any."""
    return person.is_known or is_registered(session, people.registry_names(person))


def _with_language(person: Person, request: PrivacyRequest) -> Person:
    return person if person.is_stored else people.with_language(person, request.language)
