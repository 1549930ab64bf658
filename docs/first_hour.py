"""Do what docs/first_hour.md tells: install, train, see a figure, a notebook, a network, a report.

python docs/first_hour.py

It needs Python 3.10 or later.  It makes a virtual environment in `out/first_hour`, runs the page's
commands one after the other in the folder of dlbasics, and ends at the first one that fails.  It
runs the notebook without opening it.
"""

import os
import re
import shlex
import subprocess
import sys
import venv
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
ENVIRONMENT = PROJECT / "out" / "first_hour"
PROGRAMS = ENVIRONMENT / ("Scripts" if os.name == "nt" else "bin")
PAGE = PROJECT / "docs" / "first_hour.md"
NOTEBOOK = "notebooks/ch02_perceptron.ipynb"
PARTS = re.compile(r"^## ([^\n]+)$|^```(bash|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
"""A step of the page: its title, or the language and the lines of a block."""


def main() -> None:
    print(f"a virtual environment in {ENVIRONMENT}", flush=True)
    # As `python -m venv` does: a copy of Python does not start on each system.
    venv.create(ENVIRONMENT, with_pip=True, clear=True, symlinks=os.name != "nt")
    for title, language, lines in PARTS.findall(PAGE.read_text(encoding="utf-8")):
        if title:
            print(f"\n== {title}", flush=True)
        elif language == "python":
            name = lines.split()[1]  # a program begins with a comment: the name of its file
            (PROJECT / name).write_text(lines, encoding="utf-8")
        else:
            for command in lines.splitlines():
                run(command)


def run(command: str) -> None:
    """Run a command in the folder of dlbasics, with the programs of the virtual environment."""
    print(f"$ {command}", flush=True)
    command = command.replace("jupyter lab", f"jupyter execute {NOTEBOOK}")
    program, *arguments = shlex.split(command)
    path = f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [PROGRAMS / program, *arguments], cwd=PROJECT, env={**os.environ, "PATH": path}
    )
    if done.returncode:
        sys.exit(f"this command failed, with exit code {done.returncode}: {command}")


if __name__ == "__main__":
    main()
