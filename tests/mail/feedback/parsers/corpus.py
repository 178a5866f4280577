"""The corpus: what each kind of server says when a message does not arrive, and when it does."""

import base64
import quopri

from tests.mail.feedback.parsers.samples import (
    CODE,
    ORIGINAL,
    RETURN,
    SAMPLES,
    exchange,
    exim,
    one,
    postfix,
    report,
    sample,
)

__all__ = ["BY_NAME", "CODE", "SAMPLES"]

GMAIL_NOBODY = (
    "550-5.1.1 The email account that you tried to reach does not exist. Please try 550-5.1.1 "
    "double-checking the recipient's email address for typos or unnecessary spaces. 550 5.1.1 "
    "https://support.google.com/mail/?p=NoSuchUser a1-20020a0001.12 - gsmtp"
)
GMAIL_DMARC = (
    "550-5.7.26 This mail has been blocked because the sender is unauthenticated. Gmail requires "
    "all senders to authenticate with either SPF or DKIM. 550-5.7.26 Authentication results: DKIM "
    "= did not pass SPF [shop.example] with ip: [192.0.2.1] = did not pass 550 5.7.26 For "
    "instructions see https://support.google.com/mail/answer/81126 - gsmtp"
)

# Postfix, of what others answered it
sample("postfix, Gmail: no such account", "hard", postfix("5.1.1", "failed", GMAIL_NOBODY))
sample(
    "postfix, Gmail: over quota", "soft",
    postfix("5.2.2", "failed", "552-5.2.2 The recipient's inbox is out of storage space. Please "
            "direct the 552-5.2.2 recipient to https://support.google.com/mail/?p=OverQuotaPerm - gsmtp"),
)  # fmt: skip
sample("postfix, Gmail: DMARC 5.7.26", "soft", postfix("5.7.26", "failed", GMAIL_DMARC))
sample(
    "postfix, Gmail: account disabled", "hard",
    postfix("5.2.1", "failed", "550 5.2.1 The email account that you tried to reach is disabled. - gsmtp"),
)  # fmt: skip
sample(
    "postfix, Gmail: receives too quickly", "soft",
    postfix("5.2.1", "failed", "550-5.2.1 The user you are trying to contact is receiving mail too "
            "quickly. Please resend your message at a later time. - gsmtp"),
)  # fmt: skip
sample(
    "postfix, Yahoo: no such account, without a code", "hard",
    postfix("5.0.0", "failed", "554 delivery error: dd This user doesn't have a yahoo.com account "
            "(jan@yahoo.com) [0] - mta4172.mail.ne1.yahoo.com"),
)  # fmt: skip
sample(
    "postfix, Yahoo: put off for complaints, given up", "soft",
    postfix("4.7.0", "failed", "421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred due "
            "to unexpected volume or user complaints - 4.16.55.1"),
)  # fmt: skip
sample(
    "postfix, GMX: mailbox unavailable, without a code",
    "hard",
    postfix("5.0.0", "failed", "550 Requested action not taken: mailbox unavailable"),
)
sample(
    "postfix, GMX: policy", "soft",
    postfix("5.0.0", "failed", "554 Transaction failed Reject due to policy restrictions. For "
            "explanation visit https://postmaster.gmx.net/en/case?c=r0103"),
)  # fmt: skip
sample(
    "postfix, t-online: user unknown",
    "hard",
    postfix("5.1.1", "failed", "550-5.1.1 <jan@t-online.de> unknown. Benutzer unbekannt 550 5.1.1"),
)
sample(
    "postfix, t-online: sender not wanted", "soft",
    postfix("5.7.0", "failed", "554 IP=192.0.2.1 - A problem occurred. (Ask your postmaster for help "
            "or to contact tosa@rx.t-online.de to clarify.)"),
)  # fmt: skip
sample(
    "postfix, KPN: no such user",
    "hard",
    postfix("5.1.1", "failed", "550 5.1.1 <jan@kpnmail.nl> recipient rejected, user unknown"),
)
sample(
    "postfix, orange.fr: address unknown", "hard",
    postfix("5.1.1", "failed", "550 5.1.1 Adresse d au moins un destinataire invalide. Invalid "
            "recipient. OFR204_416 [416]"),
)  # fmt: skip
sample(
    "postfix, orange.fr: too many connections", "soft",
    postfix("4.0.0", "failed", "421 mwinf5c04 ME Trop de connexions, veuillez verifier votre "
            "configuration. Too many connections, slow down. OFR004_104 [104]"),
)  # fmt: skip
sample(
    "postfix, iCloud: user does not exist",
    "hard",
    postfix("5.1.1", "failed", "550 5.1.1 <jan@icloud.com>: user does not exist"),
)
sample(
    "postfix, iCloud: over quota",
    "soft",
    postfix(
        "5.2.2",
        "failed",
        "552 5.2.2 <jan@icloud.com>: user is over quota (in reply to end of DATA)",
    ),
)
sample(
    "postfix, iCloud: policy", "soft",
    postfix("5.7.1", "failed", "550 5.7.1 [CS01] Message rejected due to local policy. Please visit "
            "https://support.apple.com/en-us/HT204137"),
)  # fmt: skip
sample(
    "postfix, Outlook.com: 5.5.0 mailbox unavailable", "hard",
    postfix("5.5.0", "failed", "550 5.5.0 Requested action not taken: mailbox unavailable (S2017062302). "
            "[AM7EUR03FT003.eop-EUR03.prod.protection.outlook.com]"),
)  # fmt: skip
sample(
    "postfix, Outlook.com: 5.7.515 access denied", "soft",
    postfix("5.7.515", "failed", "550 5.7.515 Access denied, sending domain SHOP.EXAMPLE does not meet "
            "the required authentication level. Spf= Fail , Dkim= Fail , DMARC= Fail"),
)  # fmt: skip
sample(
    "postfix, Outlook.com: block list", "soft",
    postfix("5.7.1", "failed", "550 5.7.1 Unfortunately, messages from [192.0.2.1] weren't sent. Please "
            "contact your Internet service provider since part of their network is on our block list (S3150)."),
)  # fmt: skip
sample(
    "postfix, one code for everything: 5.1.1 beside Spamhaus",
    "soft",
    postfix("5.1.1", "failed", "550 5.1.1 Recipient rejected: 192.0.2.1 is listed at Spamhaus"),
)
sample(
    "postfix: delayed by greylisting", "delayed",
    postfix("4.2.0", "delayed", "450 4.2.0 <jan@mail.example>: Recipient address rejected: Greylisted, "
            "see http://postgrey.schweikert.ch/help/example.com.html"),
)  # fmt: skip
sample(
    "postfix: greylisting never ended",
    "soft",
    postfix("4.7.1", "failed", "451 4.7.1 Greylisting in action, please come back later"),
)
sample(
    "postfix: connection timed out for days",
    "soft",
    postfix(
        "4.4.1", "failed", "", words="connect to mx.example.com[192.0.2.7]:25: Connection timed out"
    ),
)
sample(
    "postfix: the domain is not there, or its name server is not", "soft",
    postfix("5.4.4", "failed", "", words="Host or domain name not found. Name service error for "
            "name=exampel.com type=AAAA: Host not found"),
)  # fmt: skip
sample(
    "postfix: null MX",
    "hard",
    postfix("5.1.10", "failed", "550 5.1.10 Domain example.com does not accept mail (nullMX)"),
)
sample(
    "postfix: delivered, by request",
    "delivered",
    postfix(
        "2.1.5", "delivered", "250 2.1.5 Ok", words="delivery via mx.example.com: 250 2.1.5 Ok"
    ),
)
sample(
    "postfix: relayed on",
    "delivered",
    postfix(
        "2.0.0", "relayed", "250 2.0.0 Ok: queued as 4Wq1J", words="delivery via relay: 250 Ok"
    ),
)
sample(
    "postfix, sender rejected",
    "soft",
    postfix(
        "5.1.8",
        "failed",
        "550 5.1.8 <reviews@shop.example>: Sender address rejected: Domain not found",
    ),
)
sample(
    "postfix, a remote that says 5.1.0 of our own address",
    "soft",
    postfix(
        "5.1.0", "failed", "550 5.1.0 <bounces@shop.example> sender rejected : address unknown"
    ),
)
sample(
    "postfix, relay access denied",
    "soft",
    postfix("5.7.1", "failed", "554 5.7.1 <jan@mail.example>: Relay access denied"),
)

# Exchange and Microsoft 365
sample(
    "Exchange: recipient not found", "hard",
    exchange("5.1.10", "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient jan@mail.example not found "
             "by SMTP address lookup", "Your message couldn't be delivered. jan wasn't found at example.com."),
)  # fmt: skip
sample(
    "Microsoft 365: the edge knows no such recipient", "hard",
    exchange("5.4.1", "550 5.4.1 Recipient address rejected: Access denied. "
             "[AM7EUR06FT010.eop-eur06.prod.protection.outlook.com]", "The address you sent to wasn't found."),
)  # fmt: skip
sample(
    "Exchange: mailbox full", "soft",
    exchange("5.2.2", "554 5.2.2 mailbox full; STOREDRV.Deliver.Exception:QuotaExceededException",
             "The recipient's mailbox is full and can't accept messages now."),
)  # fmt: skip
sample(
    "Exchange: not allowed to write to this group", "soft",
    exchange("5.7.133", "550 5.7.133 RESOLVER.RST.SenderNotAuthenticatedForGroup; authentication required",
             "The group only accepts messages from people in its organization."),
)  # fmt: skip
sample(
    "Exchange: loop", "soft",
    exchange("5.4.14", "554 5.4.14 Hop count exceeded - possible mail loop ATTR34",
             "A mail loop was found."),
)  # fmt: skip

# Exim writes no status part by itself
sample(
    "Exim: unrouteable address", "hard",
    exim("A message that you sent could not be delivered to one or more of its\nrecipients. This is a "
         "permanent error. The following address(es) failed:\n\n  jan@mail.example\n    Unrouteable address"),
)  # fmt: skip
sample(
    "Exim: no such user, of a remote", "hard",
    exim("A message that you sent could not be delivered to one or more of its\nrecipients. This is a "
         "permanent error. The following address(es) failed:\n\n  jan@mail.example\n    host mx.example.com "
         "[192.0.2.7]\n    SMTP error from remote mail server after RCPT TO:<jan@mail.example>:\n    "
         "550 No such user here"),
)  # fmt: skip
sample(
    "Exim: blocked", "soft",
    exim("A message that you sent could not be delivered to one or more of its\nrecipients. This is a "
         "permanent error. The following address(es) failed:\n\n  jan@mail.example\n    SMTP error from remote "
         "mail server after end of data:\n    550 5.7.1 Message blocked due to spam content"),
)  # fmt: skip
sample(
    "Exim: delayed 24 hours", "delayed",
    exim("A message that you sent has not yet been delivered to one or more of its\nrecipients after more "
         "than 24 hours on the queue on mail.shop.example.\n\nThe address to which the message has not yet "
         "been delivered is:\n\n  jan@mail.example\n    Delay reason: Connection timed out\n\nNo action is "
         "required on your part.", warning=True),
)  # fmt: skip

# qmail (no MIME at all)
QMAIL = f"""Return-Path: <>
Delivered-To: {RETURN}
Received: (qmail 12345 invoked for bounce); 10 Jun 2026 10:00:08 -0000
Date: 10 Jun 2026 10:00:08 -0000
From: MAILER-DAEMON@mx.example.net
To: {RETURN}
Subject: failure notice

Hi. This is the qmail-send program at mx.example.net.
I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it didn't work out.

<jan@mail.example>:
%s

--- Below this line is a copy of the message.

{ORIGINAL}
"""
sample("qmail: no mailbox here", "hard", QMAIL % "Sorry, no mailbox here by that name. (#5.1.1)")
sample("qmail: over quota", "soft", QMAIL % "user is over quota (#5.2.2)")
sample(
    "qmail: not in my control files",
    "soft",
    QMAIL
    % "Sorry, I couldn't find any host by that name. (#4.1.2)\nI'm not going to try again; this message has been in the queue too long.",
)

# Sendmail
sample(
    "Sendmail: user unknown", "hard",
    report("q5A.1781/mx", one("failed", "5.1.1", "SMTP; 550 5.1.1 <jan@mail.example>... User unknown",
                              Last_Attempt_Date="Wed, 10 Jun 2026 12:00:07 +0200"),
           text="   ----- The following addresses had permanent fatal errors -----\n<jan@mail.example>\n    (reason: "
           "550 5.1.1 <jan@mail.example>... User unknown)"),
)  # fmt: skip
sample(
    "Sendmail: warning, could not send for 4 hours", "delayed",
    report("q5A.1782/mx", one("delayed", "4.4.2", "SMTP; 451 4.4.2 timeout waiting for input",
                              Will_Retry_Until="Mon, 15 Jun 2026 12:00:07 +0200"),
           text="THIS IS A WARNING MESSAGE ONLY. YOU DO NOT NEED TO RESEND YOUR MESSAGE"),
)  # fmt: skip
sample(
    "Sendmail: service unavailable",
    "soft",
    report("q5A.1783/mx", one("failed", "5.0.0", "SMTP; 554 5.0.0 Service unavailable")),
)

# Senders' services
sample(
    "Amazon SES: suppressed bounce as mail", "hard",
    report("=_ses", one("failed", "5.1.1", "smtp; 550 5.1.1 user unknown", Remote_MTA="dns; mx.example.com"),
           text="An error occurred while trying to deliver the mail to the following recipients:\njan@mail.example"),
)  # fmt: skip
sample(
    "Mailgun: no such mailbox",
    "hard",
    report("mg1", one("failed", "5.1.1", "smtp; 550 5.1.1 No such mailbox")),
)
sample(
    "Zimbra: over quota",
    "soft",
    report("zm1", one("failed", "5.2.2", "smtp; 552 5.2.2 Over quota")),
)
sample(
    "Lotus Domino: not listed in the directory", "hard",
    report("==IFJRGLKFGIR", one("failed", "5.1.1", "X-Notes; User jan (jan@mail.example) not listed in "
                                "Domino Directory")),
)  # fmt: skip
sample(
    "Dovecot sieve: disk quota",
    "soft",
    report("dv1", one("failed", "5.2.2", "x-dovecot; Quota exceeded (mailbox for user is full)")),
)

# Several recipients: what the one recipient's server passed it on to
sample(
    "an alias with one dead end", "delivered",
    report("al1", one("failed", "5.1.1", "smtp; 550 5.1.1 user unknown") + "\n\nFinal-Recipient: rfc822; "
           "info@mail.example\nAction: delivered\nStatus: 2.0.0"),
)  # fmt: skip
sample(
    "an alias with two dead ends", "hard",
    report("al2", one("failed", "5.1.1") + "\n\nFinal-Recipient: rfc822; info@mail.example\nAction: "
           "failed\nStatus: 5.1.1"),
)  # fmt: skip
sample(
    "an alias, dead and full", "soft",
    report("al3", one("failed", "5.1.1") + "\n\nFinal-Recipient: rfc822; info@mail.example\nAction: "
           "failed\nStatus: 5.2.2"),
)  # fmt: skip

# Internationalised (RFC 6533)
sample(
    "RFC 6533: utf-8 recipient", "hard",
    report("i18n", "Reporting-MTA: dns; mx.example.net\n\nFinal-Recipient: utf-8; jürgen@münchen.example\n"
           "Action: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 Postfach unbekannt",
           kind="message/global-delivery-status"),
)  # fmt: skip
sample(
    "RFC 6533: no SMTPUTF8 there", "soft",
    report("i19n", "Reporting-MTA: dns; mx.example.net\n\nFinal-Recipient: utf-8; jan@m\\x{FC}nchen.example\n"
           "Action: failed\nStatus: 5.6.7", kind="message/global-delivery-status"),
)  # fmt: skip
sample(
    "an IDN in A-labels",
    "hard",
    report(
        "idn", one("failed", "5.1.1", "smtp; 550 5.1.1 <jan@xn--mnchen-3ya.example>: not found")
    ),
)

# Broken ones
sample(
    "no group of the message",
    "hard",
    report("br1", "\n".join(one("failed", "5.1.1").splitlines()[2:])),
)
sample(
    "groups run together",
    "hard",
    report("br2", one("failed", "5.1.1").replace("\n\n", "\n")),
)
sample(
    "no final recipient",
    "hard",
    report("br3", "Reporting-MTA: dns; mx.example.net\n\nAction: failed\nStatus: 5.1.1"),
)
sample(
    "no status, a diagnostic only", "hard",
    report("br4", "Reporting-MTA: dns; mx.example.net\n\nFinal-Recipient: rfc822; jan@mail.example\nAction: "
           "failed\nDiagnostic-Code: smtp; 550 5.1.1 no such user"),
)  # fmt: skip
sample(
    "status with words behind it",
    "hard",
    report("br5", one("failed", "5.1.1 (bad destination mailbox)")),
)
sample("action in capitals, with a comment", "hard", report("br6", one("FAILED (final)", "5.1.1")))
sample(
    "an empty status part, words only",
    "hard",
    report(
        "br7",
        "",
        text="Your message to <jan@mail.example> could not be delivered: 550 5.1.1 User unknown",
    ),
)
sample(
    "an empty status part, and no words",
    "soft",
    report("br8", "", text="Sorry."),
)
sample(
    "cut off in the middle",
    "hard",
    postfix("5.1.1", "failed", GMAIL_NOBODY).partition("Content-Description: Undelivered")[0],
)
sample(
    "lines that end in CR LF",
    "hard",
    postfix("5.1.1", "failed", GMAIL_NOBODY).replace("\n", "\r\n"),
)
sample(
    "a status part in base64", "hard",
    report("b64", base64.encodebytes(one("failed", "5.1.1").encode()).decode(),
           kind="message/delivery-status\nContent-Transfer-Encoding: base64"),
)  # fmt: skip
sample(
    "a status part in quoted-printable", "soft",
    report("qp", quopri.encodestring(one("failed", "5.2.2", "smtp; 552 5.2.2 bo\u00eete pleine").encode()).decode(),
           kind="message/delivery-status\nContent-Transfer-Encoding: quoted-printable"),
)  # fmt: skip
sample(
    "8-bit signs that are no UTF-8",
    "hard",
    report("8bit", one("failed", "5.1.1", "smtp; 550 5.1.1 Empf\u00e4nger unbekannt")).encode(
        "latin-1"
    ),
)
sample(
    "NULs in it", "hard", report("nul", one("failed", "5.1.1", "smtp; 550 5.1.1\0 no such user"))
)
sample(
    "a report inside a forwarded message", "hard",
    f"From: Mail Delivery System <MAILER-DAEMON@relay.example>\nTo: {RETURN}\nSubject: Fwd: failure\n"
    'Content-Type: multipart/mixed; boundary="out"\n\n--out\nContent-Type: message/rfc822\n\n'
    + report("in", one("failed", "5.1.1")) + "\n--out--\n",
)  # fmt: skip
sample(
    "folded fields",
    "hard",
    report("fold", one("failed", "5.1.1").replace("Status: ", "Status:\n  ")),
)

# Complaints (RFC 5965)
ARF = f"""Return-Path: <feedback@arf.example>
From: <abusedesk@mail.example>
Date: Thu, 11 Jun 2026 17:40:36 GMT
Subject: FW: How was your order?
To: <abuse@shop.example>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="part1_13d.2e68ed54_boundary"

--part1_13d.2e68ed54_boundary
Content-Type: text/plain; charset="US-ASCII"

This is an email abuse report for an email message received from IP 192.0.2.1.

--part1_13d.2e68ed54_boundary
Content-Type: message/feedback-report

Feedback-Type: %s
User-Agent: SomeGenerator/1.0
Version: 1
Original-Mail-From: <{RETURN}>
Arrival-Date: Wed, 10 Jun 2026 10:00:00 GMT
Source-IP: 192.0.2.1

--part1_13d.2e68ed54_boundary
Content-Type: message/rfc822
Content-Disposition: inline

{ORIGINAL}
Dear Jan,
--part1_13d.2e68ed54_boundary--
"""
for word, kind in {
    "abuse": "complaint",
    "fraud": "complaint",
    "opt-out": "complaint",
    "other": "complaint",
    "not-spam": "ignored",
    "auth-failure": "ignored",
    "virus": "ignored",
}.items():
    sample(f"feedback: {word}", kind, ARF % word)

# What comes to a return path and is no report
REPLY = """Return-Path: <jan@mail.example>
From: Jan Jansen <jan@mail.example>
To: {to}
Subject: {subject}
{head}Content-Type: text/plain; charset=utf-8

{text}
"""
sample(
    "out of office", "ignored",
    REPLY.format(to=RETURN, subject="Out of office", head="Auto-Submitted: auto-replied\n",
                 text="I am away. My mailbox is not read; the user is unknown to nobody."),
)  # fmt: skip
sample(
    "out of office, the old way",
    "ignored",
    REPLY.format(
        to=RETURN,
        subject="Automatisch antwoord",
        head="X-Autoreply: yes\n",
        text="Ik ben met vakantie.",
    ),
)
sample(
    "somebody writes that a user is unknown",
    "ignored",
    REPLY.format(
        to=RETURN,
        subject="Undeliverable?",
        head="",
        text="Your page says: 550 5.1.1 user unknown. Why?",
    ),
)
sample(
    "a read receipt",
    "ignored",
    REPLY.format(
        to=RETURN, subject="Read: How was your order?", head="", text="It was read."
    ).replace(
        "Content-Type: text/plain; charset=utf-8",
        'Content-Type: multipart/report; report-type=disposition-notification; boundary="mdn"',
    ),
)
sample(
    "an advertisement",
    "ignored",
    REPLY.format(to=RETURN, subject="Cheap lists", head="", text="Buy a million addresses."),
)
sample("nothing", "ignored", b"")
sample("bytes", "ignored", bytes(range(256)) * 40)

BY_NAME = {name: data for name, _, data in SAMPLES}
