"""What drives the digit pad's page: a server in a process of its own, and a browser without window.

The browser needs the extra `browser`, and chromium or Chrome on the machine.
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")


def chromium() -> str | None:
    """Return the path of chromium or Chrome; None if there is none on PATH."""
    return next(filter(None, map(shutil.which, NAMES)), None)


@contextmanager
def browser() -> Iterator["Browser"]:
    """Start chromium without a window."""
    from playwright.sync_api import sync_playwright

    if (path := chromium()) is None:
        raise FileNotFoundError(f"there is none of {', '.join(NAMES)} on PATH")
    with sync_playwright() as playwright:
        # The sandbox refuses to run as root, as in a container.  The page is our own.
        found = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield found
        found.close()


@contextmanager
def pad(*arguments: str) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """Start the pad's server; yield its process and its address."""
    command = [sys.executable, "-m", "dlbasics.pad", "--no-browser", *arguments]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as server:
        try:
            printed = ""
            while (found := re.search(r"http://\S+", printed)) is None:
                if not (line := server.stdout.readline()):
                    raise RuntimeError(f"the server did not start: {printed}")
                printed += line
            yield server, found[0]
        finally:
            server.kill()
