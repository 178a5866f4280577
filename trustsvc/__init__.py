"""trustsvc: review invitations and trust badges that can prove what they promise.

Packages are nouns of the domain, modules are use cases. A package imports only packages below it
(pyproject.toml, import-linter); going forward is enqueuing a job by name. The lowest first:

    mail                messages, transports, the outbox, bounces and complaints
    server_log          the web server's log, one file an hour, and security events
    staff               accounts, sign-in, sessions
    shops               who may send orders and show a badge
    transactional_mail  confirmations, links and answers to one person
    registry            who is registered and who opted out, as keyed hashes only
    orders              accept an order once and store as little of it as possible
    invitations         ask the buyer once, at the right time
    message_kinds       which kinds of messages there are, and which rules each obeys
    reviews             submit, moderate, publish, withdraw
    badge               what the shop's page shows
    privacy             retention, purge, receipts, rights, documents

Plumbing below them: config, clock, clock_check, errors, log, address, backoff, crypto, storage,
work_queue, http, i18n, migrations. Above: app, preloaded, health, backup, doctor, demo, cli, wsgi.
`jobs/` calls use cases; nothing here imports `jobs`, but for the
commands that start the worker and the scheduler.
"""

__version__ = "0.1.0"
