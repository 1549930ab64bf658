"""What was measured with full runs on MNIST: how long they take, and what other seeds give.

`python -m dlbasics.reproduce --write-docs` writes measured.json.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

from dlbasics._internal.files import write_text

FILE = Path(__file__).with_name("measured.json")


@cache
def _measured() -> dict[str, Any]:
    measured: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return measured


def usual_seconds(name: str) -> float:
    """Return the seconds that a full run of an experiment took; 30 if nobody has measured it."""
    return float(_measured().get(name, {}).get("seconds", 30))


def other_seeds(name: str, claim: str) -> dict[str, str]:
    """Return our number for a claim by seed, as a report shows it.

    Args:
        name: The name of the experiment.
        claim: The text of the claim.
    """
    numbers = _measured().get(name, {}).get("seeds", {}).items()
    return {seed: claims[claim] for seed, claims in numbers if claim in claims}


def keep(key: str, values: dict[str, Any]) -> None:
    """Write a value for each experiment into the file, as its entry `key`."""
    measured = json.loads(FILE.read_text(encoding="utf-8"))
    for name, value in values.items():
        measured.setdefault(name, {})[key] = value
    write_text(FILE, json.dumps(dict(sorted(measured.items())), indent=1, ensure_ascii=False))
    _measured.cache_clear()
