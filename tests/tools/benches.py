"""Run a benchmark in its short form, as `make bench-…` does."""

import os
import subprocess
import sys

from tests.waiting import PATIENCE_S


def run_bench(module, folder, **environ):
    """Run it; what it writes goes into the folder."""
    inherited = {name: value for name, value in os.environ.items() if name != "DATABASE"}
    return subprocess.run(
        [sys.executable, "-m", f"bench.{module}"],
        check=False,
        env=inherited | {"OUT": str(folder)} | environ,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )
