"""The kinds of outbound messages: which leave first, and which rules of the outbox they obey.

What leaves first leaves a quarter of each batch to the others, as long as others are due.

| kind          | leaves first | obeys a send suspension | sent again when it may have arrived |
| ------------- | ------------ | ----------------------- | ----------------------------------- |
| transactional | yes          | no                      | yes, three times in all at most     |
| invitation    | no           | yes                     | only with TRUSTSVC_RESEND           |
| reminder      | no           | yes                     | only with TRUSTSVC_RESEND           |
"""

from trustsvc.mail.outbox import kinds


def register() -> None:
    """Make them known to the outbox: once in each process, twice does no harm.

    Importing the kinds imports most packages: commands call `kinds.register_when_needed(register)`,
    so that only those that need a kind wait for it.
    """
    from trustsvc.invitations.message_kind import INVITATIONS
    from trustsvc.transactional_mail.message_kind import TRANSACTIONAL

    kinds.register(TRANSACTIONAL, INVITATIONS)
