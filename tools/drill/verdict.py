"""What the drill found: each figure, what was promised, a table and a record."""

import json
import math
import subprocess
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import text

from tools.drill import sizes, witness
from trustsvc.doctor import fault_drills
from trustsvc.storage import db

# Figures that must be 0, or at most so much.
PROMISED = {
    "orders lost": 0,
    "second messages": 0,
    "messages against an opt-out": 0,
    "sent by its state, but never seen": 0,
    "unknown beyond one a connection of a killed mailer": 0,
    "answers that were neither yes nor later": 0,
    "privacy requests without their answer": 0,
    "privacy requests answered more often than posted": 0,
    "left unsettled": 0,
    "left running": 0,
}
FINAL = {"sent", "unknown", "refused"}


def verdict(shopper, sink):
    ids = _shop_ids(shopper.shops)
    rows = witness.rows_of_orders(ids, shopper.orders)
    acknowledged = [order for order in shopper.orders if order.acknowledged]
    invitations = [one for one in sink.seen if one.may_have_arrived and one.is_invitation]
    arrived = Counter((one.recipient, one.sender) for one in invitations)
    of_order = Counter(
        arrived[order.email, shopper.shops[order.shop]["name"]] for order in shopper.orders
    )
    # Transactional mail may be sent again, with the same Message-ID (docs/adr/0026).
    by_id = Counter(one.message_id for one in invitations)
    lost = [order for order in acknowledged if _is_lost(order, rows.get(order.number, []))]
    unseen = [
        order
        for order in shopper.orders
        for row in rows.get(order.number, [])
        if row.message == "sent" and not arrived[order.email, shopper.shops[order.shop]["name"]]
    ]
    late = [one for one in invitations if one.at > shopper.stopped.get(one.recipient, math.inf)]
    return {
        "orders acknowledged": len(acknowledged),
        "posts it took": shopper.tries,
        "buyers who stopped everything": len(shopper.stopped),
        **_privacy_requests(ids, shopper.orders),
        "orders lost": len(lost) + len(shopper.orders) - len(acknowledged),
        "messages the mail server saw": len(sink.seen),
        "orders by messages that may have arrived": dict(sorted(of_order.items())),
        "second messages": sum(n - 1 for n in arrived.values())
        + sum(n - 1 for n in by_id.values() if n > 1 and sum(arrived.values()) == len(arrived)),
        "messages against an opt-out": witness.count_against_opt_outs(ids, shopper.orders, rows),
        "sent after an opt-out, leased before it": len(late),
        "sent by its state, but never seen": len(unseen),
        "messages by state": dict(sorted(witness.message_states().items())),
        "rows unknown": witness.message_states()["unknown"],
        **{f"SMTP: {name}": count for name, count in sorted(_named(sink).items())},
        "answers that were neither yes nor later": len(shopper.problems),
        "problems": shopper.problems[:5] + [f"{o.reference} {o.kind}" for o in lost[:10]],
    }


def _shop_ids(shops):
    with db.reading() as session:
        id_of = {row[0]: row[1] for row in session.execute(text("SELECT slug, id FROM shops"))}
    return [id_of[shop["shop"]] for shop in shops]


def _is_lost(order, rows):
    """Say whether an order is not there once and decided on, its message at an end."""
    if len(rows) != 1 or rows[0].state != "settled" or not rows[0].lines:
        return True
    return order.kind in {"plain", "first", "sees"} and rows[0].message not in FINAL


def _privacy_requests(shop_ids, orders):
    """Compare what was acknowledged with what was answered: a link was mailed, or it is stored."""
    accepted = [order for order in orders if order.request_acknowledged]
    answers = witness.answers_to(shop_ids, accepted)
    posted = {order.number: order.requests_posted for order in accepted}
    return {
        "privacy requests acknowledged": len(accepted),
        "unanswered": [f"{o.reference} {o.kind}" for o in accepted if not answers[o.number]][:5],
        "privacy requests without their answer": sum(not n for n in answers.values())
        + sum(o.kind in {"sees", "form"} and not o.request_acknowledged for o in orders),
        "privacy requests answered more often than posted": sum(
            n > posted[number] for number, n in answers.items()
        ),
    }


def unknown_of_killed_mailers(kills, mailers, connections):
    """Count unknown deliveries whose sender died, and how many of them are too many.

    Who kills `up` kills all of its mailers.
    """
    died = witness.count_sender_died()
    most = (kills.get("mailer", 0) + mailers * kills.get("up", 0)) * connections
    return {
        "unknown, its sender died": died,
        "unknown beyond one a connection of a killed mailer": max(0, died - most),
    }


def faults(kills, chaos, weather):
    """Give how many faults of each kind there were; each has its least number in sizes.py."""
    return {
        **{f"kill -9: {name}": count for name, count in sorted(kills.items())},
        "FLUSHALL": chaos.flushes,
        **{f"cut lines: {mode}": count for mode, count in sorted(chaos.cuts.items())},
        **{f"SMTP faults: {stage}": weather.faults[stage] for stage in sizes.SMTP_FAULTS},
    }


def _named(sink):
    return Counter(name for name, _ in sink.happened)


def judged(record, least):
    """Say which promises broke, and of which faults there were too few; kept is neither."""
    broken = [name for name, most in PROMISED.items() if record.get(name, 0) > most]
    short = sizes.shortfalls(record, least)
    kept = not broken and not short
    return record | {"broken": broken, "short": short, "minimums": least, "kept": kept}


def keep(folder, database, seed, size, record):
    """Write the record down for the desk (doctor/fault_drills.py)."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    at = datetime.now(UTC)
    whole = {
        "format": fault_drills.FORMAT,
        "at": at.isoformat(timespec="seconds"),
        "database": database,
    }
    whole |= {"commit": _commit(), "seed": seed, "size": size, "promised": PROMISED}
    whole |= {"broken": record["broken"], "minimums": record["minimums"]}
    whole["figures"] = {
        name: None if math.isinf(figure) else figure
        for name, figure in record.items()
        if isinstance(figure, int | float) and not isinstance(figure, bool)
    }
    path = folder / f"{at:%Y%m%dT%H%M%S}-{database}.json"
    path.write_text(json.dumps(whole, indent=1) + "\n")
    return path


def _commit():
    """Name the commit that is measured, with a plus where files differ from it."""
    here = Path(__file__).parent

    def git(*words):
        done = subprocess.run(
            ["git", *words], cwd=here, capture_output=True, text=True, check=False
        )
        return done.stdout.strip()

    changed = git("status", "--porcelain", "--untracked-files=no")
    return (git("rev-parse", "--short=12", "HEAD") or "unknown") + ("+" if changed else "")


def table(records, seed):
    every = dict.fromkeys(name for record in records.values() for name in record)
    names = [name for name in every if name != "minimums"]
    lines = [f"| SEED={seed} | {' | '.join(records)} | promised |"]
    lines.append("|---" * (len(records) + 2) + "|")
    for name in names:
        cells = [_cell(record.get(name, "")) for record in records.values()]
        most = PROMISED.get(name)
        promised = "" if most is None else str(most) if not most else f"≤ {most}"
        lines.append(f"| {name} | {' | '.join(cells)} | {promised} |")
    return "\n".join(lines)


def _cell(value):
    if isinstance(value, dict):
        return ", ".join(f"{name} {count}" for name, count in value.items())
    return ("; ".join(map(str, value)) or "none") if isinstance(value, list) else str(value)
