"""trustsvc: review invitations and trust badges that can prove what they promise.

The map of the house. Rooms are nouns, files in them are verbs, flat files are tools. A room may use
only the rooms an order meets before it; going forward is ringing a bell (a job's name), never an
import. The order of the rooms, from the first an order meets to the last:

    server_log     the web server's log, one file an hour, and what in it looked like an attack:
                   both gone at 90 days
    staff          who works here: sign in, sessions
    shops          who may send orders and show a badge
    registry       who is registered and who opted out, known by fingerprint only
    orders         an order comes in and is kept once, as briefly as we can
    invitations    ask the buyer once, politely, at the right time
    reviews        what buyers say, decided on, published, withdrawn
    badge          the small thing on the shop's page
    privacy        what leaves the house and when: retention, purge, receipts, the notice

The tools below them: config, clock, errors, log, keys, tables, db, then vault, fingerprints,
signed_links, outbox, heartbeat, queueing, mail, http_out, wording, doors, suppressions. Above them:
app (the doors), health, backup, doctor, cli, wsgi, demo. `jobs/` calls the house; the house never
imports `jobs`.
"""

__version__ = "0.1.0"
