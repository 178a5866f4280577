"""How large a drill is, and how many faults of each kind must have happened for it to count."""

import os
from collections import Counter

KILLED = (
    "worker",
    "privacy-worker",
    "mailer",
    "mailer",
    "serving",
    "web",
    "scheduler",
    "redis",
    "up",
)
LINES = ("drop", "delay", "reset", "half_close")
LONG = {"orders": 10000, "kills": 200, "flushes": 20, "span": 330}
LONG |= {"cuts": 16, "slow": 6, "calibration": 500, "mailers": 2}
SHORT = {"orders": 1000, "kills": 40, "flushes": 5, "span": 60}
SHORT |= {"cuts": 8, "slow": 2, "calibration": 100, "mailers": 2}
# On every run of the tests: each kind of process is killed once, and no wait of minutes is waited.
TESTED = {"orders": 100, "kills": 9, "flushes": 2, "span": 16}
TESTED |= {"cuts": 4, "slow": 0, "calibration": 20, "mailers": 1, "hurry": 1}
NAMED = {"0": LONG, "": LONG, "1": SHORT, "tested": TESTED}
# Of a thousand orders, by the stage of the dialogue.
SMTP_FAULTS = {"connect": 4, "mail": 2, "message": 15}
SHARE_OF_KILLS = 0.75


def chosen(environ=os.environ):
    """Give the form that SHORT names, with the figures that the environment has for it."""
    size = dict(NAMED.get(environ.get("SHORT", ""), SHORT))
    for name in ("orders", "kills", "flushes", "span"):
        size[name] = int(environ.get(name.upper()) or size[name])
    return size


def deck(kinds, number, dice):
    """Give so many of these kinds, each as often as the others, in an order of the dice."""
    cards = [kinds[place % len(kinds)] for place in range(number)]
    dice.shuffle(cards)
    return cards


def minimums(size, database):
    """Name the least figure of each fault; fewer, and the run proves nothing."""
    planned = Counter(deck_of_kills(size))
    least = {
        f"kill -9: {name}": max(1, int(number * SHARE_OF_KILLS)) for name, number in planned.items()
    }
    least["FLUSHALL"] = size["flushes"]
    least |= {f"SMTP faults: {stage}": number for stage, number in smtp_faults(size).items()}
    if database == "postgresql":
        cuts = Counter(LINES[place % len(LINES)] for place in range(size["cuts"]))
        least |= {f"cut lines: {mode}": number for mode, number in cuts.items()}
    return least


def smtp_faults(size):
    """Give the least number of faults of the mail server, by the stage of the dialogue."""
    return {stage: max(1, size["orders"] * share // 1000) for stage, share in SMTP_FAULTS.items()}


def deck_of_kills(size):
    return [KILLED[place % len(KILLED)] for place in range(size["kills"])]


def shortfalls(record, least):
    """Say of which faults there were too few, a sentence each."""
    return [
        f"too few faults: {name} {record.get(name, 0)}, at least {number}"
        for name, number in least.items()
        if record.get(name, 0) < number
    ]
