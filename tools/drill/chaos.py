"""What goes wrong: the mail server in turn, kills, emptied Redis and cut lines at their seconds."""

import contextlib
import math
import threading
import time
from collections import Counter

import redis

from tools.drill import sizes, smtp_sink
from trustsvc import clock
from trustsvc.work_queue import runtime

THERE_AGAIN_S = 60.0  # `up` starts a process again after five seconds at most
CUT_S = 2.5
# One of so many connections, MAIL FROM and messages goes wrong.
EVERY = {"connect": 4, "mail": 60, "message": 12}


class Weather:
    """What the mail server does next: each fault in turn, at most one for each recipient.

    It gets well after some seconds, but not before it failed as often as the run needs.
    """

    def __init__(self, slow, least):
        self.slow, self.least = slow, least
        self.clear_at, self.last_at = -math.inf, -math.inf
        messages = (*smtp_sink.DEFERRED, *smtp_sink.DROPS, *smtp_sink.UNKNOWN, *smtp_sink.REFUSED)
        self.turns = {
            "connect": list(smtp_sink.CONNECT),
            "mail": list(smtp_sink.MAIL),
            "message": [*messages, "slow_end_of_data"],
        }
        self.asked, self.places = Counter(), Counter()
        self.faults = Counter()
        self.hit = set()

    def begin(self, seconds):
        self.clear_at = time.monotonic() + seconds

    @property
    def on(self):
        is_enough = all(self.faults[stage] >= number for stage, number in self.least.items())
        return self.clear_at > -math.inf and not (is_enough and time.monotonic() > self.clear_at)

    def __call__(self, stage, recipient):
        if not self.on or recipient in self.hit:
            return None
        self.asked[stage] += 1
        if self.asked[stage] % EVERY[stage]:
            return None
        names = self.turns[stage]
        name = names[self.places[stage] % len(names)]
        self.places[stage] += 1
        if name in smtp_sink.SLOW:
            self.slow -= 1
            if self.slow < 0:
                self.asked[stage] -= 1  # the next one has its turn
                return None
        if recipient:
            self.hit.add(recipient)
        self.faults[stage] += 1
        self.last_at = time.monotonic()
        return name


class Chaos:
    """Kills, floods and cuts, each at its second."""

    def __init__(self, installation, own_redis, proxy):
        self.installation, self.own, self.proxy = installation, own_redis, proxy
        self.flushes, self.cuts = 0, Counter()
        self.mailer_killed_at = clock.now()

    def run(self, dice, size):
        kills = sizes.deck_of_kills(size)
        dice.shuffle(kills)
        span = size["span"]
        acts = _spread(span, [(self.kill, name) for name in kills])
        acts += _spread(span, [(self.flush, None)] * size["flushes"])
        if self.proxy:
            acts += _spread(
                span, [(self.cut, m) for m in sizes.deck(sizes.LINES, size["cuts"], dice)]
            )
        started = time.monotonic()
        for at, act, name in sorted(acts, key=lambda one: one[0]):
            time.sleep(max(0.0, started + at - time.monotonic()))
            act(name)  # late on a slow machine, but none is left out
        time.sleep(max(0.0, started + span - time.monotonic()))
        if self.proxy:
            self.proxy.turn("pass")

    def kill(self, name):
        """Kill -9 a process; waits for it where it is dead still from the last time."""
        end = time.monotonic() + THERE_AGAIN_S
        while time.monotonic() < end:
            if name == "redis" and self.own:
                self.own.kill(0.5)
                self.installation.kills[name] = self.installation.kills.get(name, 0) + 1
                return
            if self.installation.kill(name):
                if name in {"mailer", "up"}:
                    self.mailer_killed_at = clock.now()
                return
            time.sleep(0.1)

    def flush(self, _name):
        path = self.own.socket if self.own else runtime.redis_socket()
        for _ in range(150):
            with contextlib.suppress(redis.RedisError):
                redis.Redis(unix_socket_path=str(path)).flushall()
                self.flushes += 1
                return
            time.sleep(0.1)

    def cut(self, mode):
        self.proxy.turn(mode)
        self.cuts[mode] += 1
        threading.Timer(CUT_S, self.proxy.turn, ["pass"]).start()


def _spread(span, acts):
    return [(span * (n + 0.5) / len(acts), act, name) for n, (act, name) in enumerate(acts)]
