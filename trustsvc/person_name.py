"""Decide what of a name can be greeted; no name is better than a wrong one. Pure.

Parsers use it before a name is stored, invitations before it is written, for names stored earlier.
"""

import html
import re

ROUNDS = 2  # shops' templates escape once more what their platform escaped
MIN_PHONE_DIGITS = 5

_ENTITY = re.compile(
    r"&(?:#\d{1,7};?|#[xX][0-9a-fA-F]{1,6};?|[A-Za-z][A-Za-z0-9]{1,31};)", re.ASCII
)
# A stranger can order in somebody's name: a "name" that is an address or a site is no greeting.
# Other signs are left by templates ({{name}}, *|NAME|*) and wrong encodings (Andr?, Andr%C3%A9).
_NOT_IN_A_NAME = re.compile(r"[/:@<>\\{}|%?\ufffd]|www\.|\w{2,}\.\w{2,}", re.IGNORECASE)
_BETWEEN_WORDS = re.compile(r"[\W\d_]+")

# What programs write where they have no name: left out wherever it stands.
_NOTHING = {"null", "undefined", "n/a", "(null)", "[deleted]", "n.v.t.", "n.v.t", "nvt", "n.a."}
# Written by people and templates in place of a name: not greeted if there is nothing else. Some of
# them are somebody's surname.
_PLACEHOLDERS = """
    null undefined none nan nil na unknown unnamed noname anonymous anonymized anonymised deleted
    redacted removed erased private hidden test tester testing testuser demo dummy example sample
    guest customer client buyer user shopper consumer visitor member account admin administrator
    name firstname lastname surname fullname first last full no not provided available given
    company walkin walk in pos cash sale online order web shop store string value empty blank
    fname lname billing shipping amazon ebay tiktok n nn k
    mr mrs ms miss mx sir madam dr true false object
    nobody niemand
    onbekend onbekende anoniem verwijderd gast klant koper gebruiker bezoeker naam voornaam
    achternaam geen zonder kassa balie bedrijf particulier de het heer mevrouw dhr mevr mw familie
    unbekannt anonym gelöscht kunde kundin käufer käuferin nutzer benutzer besucher vorname
    nachname kein keine ohne angabe kasse firma privat herr frau familie fam
    gastkunde gastbesteller gastbestellung testbestellung
    inconnu inconnue anonyme supprimé supprimée invité invitée acheteur acheteuse utilisateur
    prénom nom sans aucun aucune monsieur madame mademoiselle mlle mme société
    x xx xxx xxxx y z a aa aaa abc asdf asd qwerty foo bar
"""
_IN_PLACE_OF_A_NAME = frozenset(_PLACEHOLDERS.split())
# Legal forms that are no initials stand anywhere (Bakker B.V. t.a.v. Anna), others at the end.
_COMPANY = re.compile(
    r"""
    .*[\s,(](?:
        (?:b\.?v|n\.?v|b\.?v\.?b\.?a|vof|v\.o\.f|gmbh|mbh|ltd|limited|llc|llp|inc|incorporated|corp|
        corporation|plc|sarl|s\.a\.r\.l|s\.?à\.?\ ?r\.?l|sasu|eurl|sprl|srl|ohg|gbr|kgaa|kg|oyj?|
        aps|pty|asbl|vzw|scrl|cvba|commv|eenmanszaak|holding|gruppe|groupe?|
        (?:&|und|and|et|en)\ (?:co|cie|sons|zn|zonen|söhne|fils))[.),]*(?:\s.*)?
    |
        (?:g\.m\.b\.h|l\.l\.c|s\.a\.s|s\.p\.r\.l|s\.r\.l|s\.?p\.?a|u\.g|e\.k|e\.v|e\.?k\.?fr|e\.?kfm|
        s\.l\.?u?|s\.?r\.?o|sp\.?\ ?z\.?\ ?o\.?\ ?o|d\.o\.o|c\.v|s\.a|a\.g|a\.s|a/s|comm\.v)[.)]*
    )
    """,
    re.IGNORECASE | re.VERBOSE,
)
# Also syllables and surnames when not in capitals: Kim Sa, Jan Sas, Anna Ek.
_SHORT_COMPANY = re.compile(r".*[\s,(](?:AG|SA|SE|AB|AS|SAS|SL|CV|EG|EK|OG|UG|KK|DOO|Lda|Co)[.)]*")
_COMPANY_FIRST = re.compile(
    r"(?:stichting|vereniging|firma|fa\.|gemeente|v\.?o\.?f|s\.?a\.?r\.?l|sas|eurl|sci|asbl|vzw)"
    r"\.?\s.*",
    re.IGNORECASE,
)


def decode(text: str) -> str:
    """Read the HTML entities that PHP platforms leave in names: `O&#039;Brien`.

    What is encoded more than twice is no name. Entities may hide control characters, so the
    result is cleaned like any text.
    """
    for _ in range(ROUNDS):
        text = _ENTITY.sub(lambda match: html.unescape(match[0]), text)
    return "" if _ENTITY.search(text) else text


def greetable(name: str) -> str:
    """Give the name to greet with, or "" where it is none: twice changes nothing more.

    No name are placeholders, phone numbers, companies, and addresses of mail and web.
    """
    words = name.split()
    while words and _is_nothing(words[-1]):
        words.pop()
    while words and _is_nothing(words[0]):
        words.pop(0)
    kept = " ".join(words)
    return "" if _is_no_name(kept) else kept


def _is_nothing(word: str) -> bool:
    return word.casefold() in _NOTHING or not any(map(str.isalnum, word))


def _is_no_name(name: str) -> bool:
    spoken = [word for word in _BETWEEN_WORDS.split(name.casefold()) if word]
    return (
        not any(map(str.isalpha, name))
        or set(spoken) <= _IN_PLACE_OF_A_NAME
        or sum(map(str.isdigit, name)) >= MIN_PHONE_DIGITS
        or _NOT_IN_A_NAME.search(name) is not None
        or any(kind.fullmatch(name) for kind in (_COMPANY, _SHORT_COMPANY, _COMPANY_FIRST))
    )
