"""The suppression journals that a restore replays: this host's file, and those of other hosts.

Each host's file has every entry but the last seconds of the others, so one is enough; more of them
lose less. Which of two entries is the later one, the numbers of their rows say.
"""

from collections.abc import Collection, Sequence
from pathlib import Path

from trustsvc.backup.manifest import Manifest
from trustsvc.crypto import keyring
from trustsvc.errors import Refused
from trustsvc.storage import suppression_journal
from trustsvc.storage.suppression_entries import JournalEntry
from trustsvc.storage.suppression_journal import Journal


def gather(named: Sequence[Path]) -> list[Journal]:
    """Read this host's file, if there is one, and the named ones; raises Refused."""
    here = suppression_journal.read()
    files = [here] if here else []
    for place in named:
        try:
            file = suppression_journal.read(place)
        except OSError:
            file = None
        if file is None:
            raise Refused(
                f"{place.name} is not a suppression journal that can be read: name the file "
                "`journal` of the folder suppressions of a host. Nothing was changed."
            )
        files.append(file)
    return files


def union(files: Sequence[Journal]) -> list[JournalEntry]:
    """Give each entry once, in the order of their rows.

    A line of a file-only version, which has no row, keeps its place after the line before it.
    """
    numbers: dict[JournalEntry, int] = {}
    for file in files:
        for line in file.lines:
            if line.id:
                numbers[line] = min(line.id, numbers.get(line, line.id))
    placed: list[tuple[int, JournalEntry]] = []
    for file in files:
        number = 0
        for line in file.lines:
            number = line.id or numbers.get(line, number)
            placed.append((numbers.get(line, number), line))
    placed.sort(key=lambda one: one[0])
    return list(dict.fromkeys(line for _, line in placed))


def problem(
    manifest: Manifest, files: Sequence[Journal], stored: Collection[JournalEntry]
) -> str | None:
    """Say why the journal may be incomplete, as a code; None if it is complete.

    A file of this installation must be there, with at least the entries of the backup: `stored` in
    its database, or as many lines as it had at a backup of a file-only version. All later lines
    must be readable, and the keys of its pseudonyms must be here.
    """
    if not files:
        return "no_suppressions"
    ours = [file for file in files if manifest.suppressions_id in _ids(file)]
    if not ours:
        return "other_suppressions"
    if stored:
        is_older = not set(stored) <= {line for file in ours for line in file.lines}
    else:
        is_older = all(len(file.lines) < manifest.suppressions_lines for file in ours)
    if is_older:
        return "older_suppressions"
    if any(file.damaged > manifest.suppressions_damaged for file in ours):
        return "damaged_suppressions"
    if not all(_has_key(line) for file in files for line in file.lines):
        return "unknown_keys"
    return None


def _ids(file: Journal) -> set[str]:
    """Give the ids of the files of which it has all: its own, and those whose lines are rows."""
    return {file.id, *(line.subject.hex() for line in file.lines if line.kind == "journal")}


def _has_key(line: JournalEntry) -> bool:
    """Whether the key of a pseudonym is here: without it the person is not recognised."""
    of_none = {"withdraw_review", "anonymise_review", "journal"}
    if line.kind in of_none or len(line.subject) < 2:
        return True
    number = line.subject[1]  # the key version, see crypto/pseudonyms.py
    kind = "lookup" if line.shop_id else "registry"
    return any(key.version == number for key in keyring.existing_keys(kind))
