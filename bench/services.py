"""Processes that the benchmarks measure: ours as `trustsvc web` starts it, and yardsticks."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field

import requests

from trustsvc.cli.processes import THREADS


@dataclass
class Server:
    port: int
    process: "subprocess.Popen[bytes]"
    path: str
    shop: dict[str, str] = field(default_factory=dict)
    accepted: int = 0


def start_ours(stack: contextlib.ExitStack, environ: dict[str, str]) -> Server:
    words = ["--name", "Blue Lamp", "--domain", "lamp.example", "--platform", "woocommerce"]
    command = [sys.executable, "-m", "trustsvc", "shop", "add", *words, "--json"]
    done = subprocess.run(command, env=_environ(environ), check=True, capture_output=True)
    shop: dict[str, str] = json.loads(done.stdout)
    path = "/webhooks/" + shop["webhook_url"].partition("/webhooks/")[2]
    environ |= {"TRUSTSVC_WEB_PROCESSES": "1"}
    server = spawn(stack, ["-m", "trustsvc", "web"], environ, path)
    server.shop = shop | environ
    return server


def spawn(
    stack: contextlib.ExitStack, words: list[str], environ: dict[str, str], path: str
) -> Server:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    more = [str(port), str(THREADS)] if path == "/hello" else []
    process = subprocess.Popen(
        [sys.executable, *words, *more],
        env=_environ(environ | {"TRUSTSVC_PORT": str(port)}),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    stack.callback(process.wait, 60)
    stack.callback(process.terminate)
    for _ in range(600):
        with contextlib.suppress(requests.RequestException):
            if requests.get(f"http://127.0.0.1:{port}/hello", timeout=10).status_code < 500:
                return Server(port, process, path)
        time.sleep(0.1)
    raise SystemExit(f"{words[-1]} does not answer.")


def _environ(own: dict[str, str]) -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if not k.startswith("TRUSTSVC_")} | own


def request(method: str, path: str, headers: dict[str, str], body: bytes) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body
