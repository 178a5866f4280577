"""A mail server that takes everything as fast as it can, for `bench/messages.py`.

`python -m bench.message_sink CPU` stays on that CPU (-1: on any) and prints its port. A line of its
input is from now on the distance to it, in milliseconds for each time that it answers. At the end
of its input it prints how many messages it took, and how many different Message-IDs they had.
"""

import os
import re
import socket
import sys
import threading
import time

ANSWERS = {
    b"MAIL": b"250 ok\r\n",
    b"RCPT": b"250 ok\r\n",
    b"DATA": b"354 go on\r\n",
    b"QUIT": b"221 bye\r\n",
}
HELLO = b"250-sink\r\n250-PIPELINING\r\n250 8BITMIME\r\n"
_MESSAGE_ID = re.compile(rb"^Message-ID: *(\S+)", re.IGNORECASE | re.MULTILINE)


distance_s = [0.0]


def main() -> None:
    if (cpu := int(sys.argv[1])) >= 0:
        os.sched_setaffinity(0, {cpu})
    taken: list[bytes] = []
    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=_listen, args=(listener, taken), daemon=True).start()
    print(listener.getsockname()[1], flush=True)
    for line in sys.stdin:
        distance_s[0] = float(line) / 1000
        print(flush=True)
    print(len(taken), len(set(taken)), flush=True)


def _listen(listener: socket.socket, taken: list[bytes]) -> None:
    while True:
        link, _ = listener.accept()
        threading.Thread(target=_talk, args=(link, taken), daemon=True).start()


def _talk(link: socket.socket, taken: list[bytes]) -> None:
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    link.sendall(b"220 sink\r\n")
    data, in_message = b"", False
    while piece := link.recv(65536):
        data += piece
        answers = []
        while True:
            whole, end, rest = data.partition(b"\r\n.\r\n" if in_message else b"\r\n")
            if not end:
                break
            data = rest
            if in_message:
                found = _MESSAGE_ID.search(whole)
                taken.append(found[1] if found else b"")
                in_message = False
                answers.append(b"250 taken\r\n")
                continue
            command = whole[:4].upper()
            in_message = command == b"DATA"
            answers.append(HELLO if command == b"EHLO" else ANSWERS.get(command, b"250 ok\r\n"))
        if answers:
            if distance_s[0]:
                time.sleep(distance_s[0])
            link.sendall(b"".join(answers))
    link.close()


if __name__ == "__main__":
    main()
