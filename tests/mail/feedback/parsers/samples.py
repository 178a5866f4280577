"""Reports as mail servers write them, composed by hand, each with the class it has to get.

The class stands beside each one before any code looked at it. Addresses are of example domains.
"""

CODE = "abcdefghijklmnopqrstuvwxyz"[:24] + "27"
RETURN = f"bounces+{CODE}@shop.example"
ORIGINAL = f"""Return-Path: <{RETURN}>
From: "Bakfiets & Co" <reviews@shop.example>
To: "Jan Jansen" <jan@mail.example>
Subject: How was your order?
Date: Wed, 10 Jun 2026 10:00:00 +0000
Message-ID: <{CODE}@shop.example>
Auto-Submitted: auto-generated
"""

SAMPLES = []


def sample(name, kind, text):
    """Add one; a text of str is sent as UTF-8."""
    SAMPLES.append((name, kind, text if isinstance(text, bytes) else text.encode()))


def postfix(status, action, reply, words="", host="mx.example.com[192.0.2.7]", head=""):
    return f"""Return-Path: <>
X-Original-To: {RETURN}
Delivered-To: {RETURN}
Received: by mail.shop.example (Postfix)
\tid 4Wq1Hn2zXbz9sT; Wed, 10 Jun 2026 12:00:07 +0200 (CEST)
Date: Wed, 10 Jun 2026 12:00:07 +0200 (CEST)
From: MAILER-DAEMON@mail.shop.example (Mail Delivery System)
Subject: Undelivered Mail Returned to Sender
To: {RETURN}
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
\tboundary="4Wq1Hn.1781085607/mail.shop.example"
{head}Message-Id: <20260610100007.4Wq1Hn2zXbz9sT@mail.shop.example>

This is a MIME-encapsulated message.

--4Wq1Hn.1781085607/mail.shop.example
Content-Description: Notification
Content-Type: text/plain; charset=utf-8

This is the mail system at host mail.shop.example.

I'm sorry to have to inform you that your message could not
be delivered to one or more recipients. It's attached below.

<jan@mail.example>: {words or f"host {host} said: {reply} (in reply to RCPT TO command)"}

--4Wq1Hn.1781085607/mail.shop.example
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; mail.shop.example
X-Postfix-Queue-ID: 4Wq1Hn2zXbz9sT
X-Postfix-Sender: rfc822; {RETURN}
Arrival-Date: Wed, 10 Jun 2026 12:00:05 +0200 (CEST)

Final-Recipient: rfc822; jan@mail.example
Original-Recipient: rfc822;jan@mail.example
Action: {action}
Status: {status}
Remote-MTA: dns; mx.example.com
Diagnostic-Code: smtp; {reply}

--4Wq1Hn.1781085607/mail.shop.example
Content-Description: Undelivered Message Headers
Content-Type: text/rfc822-headers

{ORIGINAL}
--4Wq1Hn.1781085607/mail.shop.example--
"""


def report(
    boundary,
    status_part,
    *,
    text="See below.",
    head="",
    kind="message/delivery-status",
    returned=ORIGINAL,
):
    """A plain multipart/report of no particular server."""
    return f"""Return-Path: <>
From: Mail Delivery Subsystem <MAILER-DAEMON@mx.example.net>
To: <{RETURN}>
Subject: Delivery Status Notification
Date: Wed, 10 Jun 2026 12:00:07 +0200
{head}MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="{boundary}"

--{boundary}
Content-Type: text/plain; charset=us-ascii

{text}

--{boundary}
Content-Type: {kind}

{status_part}

--{boundary}
Content-Type: message/rfc822

{returned}
Dear Jan,
--{boundary}--
"""


def exchange(status, reply, words):
    return f"""Received: from AM0PR05MB0001.eurprd05.prod.outlook.com (2603:10a6::1) by
 DB9PR05MB0002.eurprd05.prod.outlook.com with HTTPS; Wed, 10 Jun 2026 10:00:09 +0000
MIME-Version: 1.0
From: <postmaster@example.onmicrosoft.com>
To: <{RETURN}>
Date: Wed, 10 Jun 2026 10:00:09 +0000
Content-Type: multipart/report; report-type=delivery-status;
\tboundary="=_OutlookBoundary_1f2e"
X-MS-Exchange-Message-Is-Ndr:
Content-Language: en-US
Message-ID: <0f3b@DB9PR05MB0002.eurprd05.prod.outlook.com>
In-Reply-To: <{CODE}@shop.example>
Subject: Undeliverable: How was your order?
Auto-Submitted: auto-replied

--=_OutlookBoundary_1f2e
Content-Type: multipart/alternative; differences=Content-Type;
\tboundary="=_inner_77"

--=_inner_77
Content-Type: text/plain; charset="us-ascii"
Content-Transfer-Encoding: quoted-printable

{words}

Diagnostic information for administrators:

Generating server: DB9PR05MB0002.eurprd05.prod.outlook.com

jan@mail.example
Remote Server returned '{reply}'

--=_inner_77
Content-Type: text/html; charset="us-ascii"
Content-Transfer-Encoding: quoted-printable

<html><body><p>{words}</p></body></html>

--=_inner_77--

--=_OutlookBoundary_1f2e
Content-Type: message/delivery-status

Reporting-MTA: dns;DB9PR05MB0002.eurprd05.prod.outlook.com
Received-From-MTA: dns;AM0PR05MB0001.eurprd05.prod.outlook.com
Arrival-Date: Wed, 10 Jun 2026 10:00:08 +0000

Final-Recipient: rfc822;jan@mail.example
Action: failed
Status: {status}
Diagnostic-Code: smtp;{reply}
X-Display-Name: Jan Jansen

--=_OutlookBoundary_1f2e
Content-Type: message/rfc822

{ORIGINAL}
Dear Jan,
--=_OutlookBoundary_1f2e--
"""


def exim(words, *, warning=False, failed=True):
    subject = "Warning: message 1sGabc-0001Xy-2z delayed 24 hours" if warning else (
        "Mail delivery failed: returning message to sender"
    )  # fmt: skip
    more = "X-Failed-Recipients: jan@mail.example\n" if failed and not warning else ""
    return f"""Return-path: <>
Envelope-to: {RETURN}
Delivery-date: Wed, 10 Jun 2026 12:00:08 +0200
Received: from Debian-exim by mail.shop.example with local (Exim 4.96)
\tid 1sGabd-0001Y0-0A for {RETURN}; Wed, 10 Jun 2026 12:00:08 +0200
{more}Auto-Submitted: auto-replied
From: Mail Delivery System <Mailer-Daemon@mail.shop.example>
To: {RETURN}
Subject: {subject}
Message-Id: <E1sGabd-0001Y0-0A@mail.shop.example>
Date: Wed, 10 Jun 2026 12:00:08 +0200

This message was created automatically by mail delivery software.

{words}

------ This is a copy of the message, including all the headers. ------

{ORIGINAL}
"""


def one(action, status, diagnostic="", **more):
    lines = [
        "Reporting-MTA: dns; mx.example.net",
        "",
        "Final-Recipient: rfc822; jan@mail.example",
        f"Action: {action}",
        f"Status: {status}",
    ]
    if diagnostic:
        lines.append(f"Diagnostic-Code: {diagnostic}")
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in more.items()]
    return "\n".join(lines)
