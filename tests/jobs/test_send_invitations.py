import mailbox

from jobs.send_invitations import send_invitations
from tests.invitations.ground import NOON, invited, letter_of, shop
from trustsvc import clock


def test_letters_that_are_due_end_in_the_maildir_once(house):
    order_id = invited(shop())

    with clock.at(NOON):
        send_invitations()
        send_invitations()

    (mail,) = mailbox.Maildir(house.data / "mail")
    assert mail["To"].endswith("<jan@example.com>")
    assert letter_of(order_id).state == "sent"


def test_nothing_to_do_is_no_harm(house):
    send_invitations()
