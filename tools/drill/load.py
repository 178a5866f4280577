"""Shops that keep posting, whatever comes back, and remember what was acknowledged."""

import itertools
import json
import threading
import time

import requests

from tests.signing import signed_request

THREADS = 6


class Load:
    """Use as a context manager; `answers` holds (status or None, Retry-After, seconds) each."""

    def __init__(self, shop, threads=THREADS, pause_s=0.05):
        self.shop, self.threads, self.pause_s = shop, threads, pause_s
        self.answers, self.acknowledged, self.wrong = [], [], []
        self._numbers = itertools.count(1)
        self._ended = threading.Event()

    def __enter__(self):
        self._workers = [threading.Thread(target=self._work) for _ in range(self.threads)]
        for worker in self._workers:
            worker.start()
        return self

    def __exit__(self, *_):
        self._ended.set()
        for worker in self._workers:
            worker.join(30)

    def _work(self):
        while not self._ended.wait(self.pause_s):
            reference = f"{self.shop['shop']}-{next(self._numbers)}"
            data = {"reference": reference, "email": f"{reference}@post.example", "name": "Anna"}
            body = json.dumps({"type": "order.created", "data": data}).encode()
            headers = signed_request("standard", self.shop["secret"], body)
            began = time.monotonic()
            try:
                answer = requests.post(
                    self.shop["webhook_url"], data=body, headers=headers, timeout=20
                )
            except requests.RequestException:
                self.answers.append((None, None, time.monotonic() - began))
                continue
            spent = time.monotonic() - began
            self.answers.append((answer.status_code, answer.headers.get("Retry-After"), spent))
            if answer.ok:
                self.acknowledged.append(reference)
            elif answer.status_code != 503:
                self.wrong.append((answer.status_code, answer.text[:300]))
