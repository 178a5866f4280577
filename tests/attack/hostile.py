"""Input that costs a careless reader more than its length: texts, JSON, forms, messages."""

import json

BYTES = 255 * 1024

MARKS = "\u0300\u0315"  # in the wrong order, so that putting n of them in order costs n²
PIECES = {
    "marks": MARKS,
    "marks of one kind": "\u0301",
    "marks in entities": "&#768;&#789;",
    "marks between joiners": "\u0300\u200d\u0315\u200d",
    "letters of many marks": "\u1e69\u0f73\u0f71\u0344",
    "voicing": "\uff76\uff9f\uff9e",
    "ligatures": "\ufdfa",
    "blanks": " ",
    "wide blanks": "\u3000",
    "lines": "\r\n",
    "letters": "a",
    "accents": "é",
    "words": "a ",
    "full stops": "a.",
    "commas": "a,",
    "brackets": "<",
    "encoded words": "=?",
    "ats": "a@",
    "half a no": "do-not ask-x,",
    "digits": "9",
    "quotes": '"',
    "percents": "%",
    "hidden": "\u200b",
    "surrogates": "😀",
}


def text(piece, size=BYTES):
    """Repeat a piece up to a size in bytes, with a last sign that makes a search fail."""
    return piece * (size // len(piece.encode())) + "!"


TEXTS = {name: text(piece) for name, piece in PIECES.items()}


def body(value):
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")


# Bodies that are hostile by their form; at most 256 KiB each.
JSON = {
    "arrays 10,000 deep": b"[" * 10_000 + b"]" * 10_000,
    "objects 10,000 deep": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "arrays that never end": b"[" * BYTES,
    "a number of 100,000 digits": b'{"reference": ' + b"9" * 100_000 + b', "id": 1}',
    "a fraction of 100,000 digits": b'{"id": 1, "reference": "1", "total": 1.'
    + b"9" * 100_000
    + b"}",
    "an exponent": b'{"id": 1, "reference": "1", "total": 1e999999999}',
    "numbers of 4,000 digits": b'{"id": 1, "reference": [' + b",".join([b"9" * 4000] * 60) + b"]}",
    "tags 900 deep": b'{"reference": "1", "id": 1, "email": "a@mail.example", "tags": ['
    + b"[" * 900
    + b"]" * 900
    + b"]}",
    "25,000 fields": b"{"
    + b",".join(b'"aB%d":1' % number for number in range(25_000))
    + b', "id": 1}',
    "one field 25,000 times": b"{" + b'"id": 1,' * 25_000 + b'"id": 1}',
    "empty objects": b'{"id": 1, "meta_data": [' + b"{}," * 80_000 + b"{}]}",
    "escapes": b'{"id": 1, "reference": "' + b"\\u0300\\u0315" * 20_000 + b'"}',
}
