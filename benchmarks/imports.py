"""The time of a process that imports dlbasics, and of one that imports numpy."""

import subprocess
import sys

from benchmarks.interleaved import compare


def main() -> None:
    def process(code: str) -> object:
        return subprocess.run([sys.executable, "-c", code], check=True)

    compare(
        {
            "import dlbasics": lambda: process("import dlbasics"),
            "import numpy": lambda: process("import numpy"),
            "from dlbasics import Network": lambda: process("from dlbasics import Network"),
            "nothing": lambda: process("pass"),
        },
        rounds=15,
        calls=1,
    )


if __name__ == "__main__":
    main()
