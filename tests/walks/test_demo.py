import os
import subprocess
import sys

import pytest

pytestmark = [pytest.mark.walk, pytest.mark.slow]


def test_the_demo_shows_the_main_job_twice_on_the_same_folder(tmp_path):
    environ = {k: v for k, v in os.environ.items() if not k.startswith("TRUSTSVC_")}
    environ["TRUSTSVC_DATA"] = str(tmp_path / "data")

    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-m", "trustsvc.cli", "demo", "--once"],
            env=environ,
            capture_output=True,
            text=True,
            timeout=110,
            check=False,
        )

        assert done.returncode == 0, done.stdout[-1500:] + done.stderr[-1500:]
        assert "Every step held." in done.stdout
