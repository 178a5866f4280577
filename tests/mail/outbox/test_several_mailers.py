"""Several mailers share what is due, and no message leaves twice."""

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext

import pytest
from sqlalchemy import func, select

from jobs import send_messages
from tests.invitations.sample_orders import NOON, Post, place_many, planned, quiet, shop
from trustsvc import clock, config
from trustsvc.cli import up
from trustsvc.mail.outbox.models import messages
from trustsvc.storage import db

pytestmark = [
    pytest.mark.both_databases,
    pytest.mark.parametrize("installation", [{"TRUSTSVC_MAILERS": "3"}], indirect=True),
]
NUMBER = 60


def any_due():
    with db.reading() as session:
        return session.execute(select(messages.c.id).where(messages.c.state == "due")).first()


def test_each_mailer_gets_its_share_and_each_message_leaves_once(installation, monkeypatch):
    place_many(shop(), [f"buyer@{number}.example" for number in range(NUMBER)])
    planned()
    monkeypatch.setattr(send_messages, "SHARED_BATCH_SIZE", 5)
    posts = [Post(meanwhile=lambda: time.sleep(0.02)) for _ in range(3)]
    mine = threading.local()
    monkeypatch.setattr(send_messages, "open_transport", lambda _: nullcontext(mine.post))

    def work(post):
        mine.post = post
        with quiet():
            while any_due():  # who finds all rows locked is enqueued again by the scheduler
                send_messages.send_messages()

    with clock.at(NOON), ThreadPoolExecutor(len(posts)) as pool:
        list(pool.map(work, posts))

    reached = Counter(one.to_address for post in posts for one in post.messages)
    assert reached == dict.fromkeys((f"buyer@{number}.example" for number in range(NUMBER)), 1)
    assert min(len(post.messages) for post in posts) >= NUMBER // 6
    with db.reading() as session:
        states = session.execute(select(messages.c.state, func.count()).group_by(messages.c.state))
        assert states.all() == [("sent", NUMBER)]


def test_up_starts_so_many(installation):
    assert up.process_names(config.current().mailers).count("mailer") == 3
