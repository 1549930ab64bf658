"""Draw a digit and see how a network reads it, or read the digits in pictures.

Without pictures, the program opens a page in the browser on which you draw.  The page is served on
this machine only.  With pictures, such as photos or scans, it prints a line for each file, with the
digits from left to right and the probability of each:

    python -m dlbasics.pad image.png
    image.png: 7 0.98, 2 0.91
"""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

import numpy as np

from dlbasics._internal.streams import forgiving_streams
from dlbasics.network import Network
from dlbasics.pad.digits import digits_of
from dlbasics.pad.networks import network_from, probabilities, shipped_networks
from dlbasics.pad.steps import as_mnist

EXTRA = ("flask", "waitress")
"""The packages that the page needs."""

INSTALL = 'python -m pip install "dlbasics[pad]"'


def main(argv: Sequence[str] | None = None) -> int:
    """Read the command line; return the exit code."""
    with forgiving_streams():
        return _run(_parse(argv))


def _run(args: argparse.Namespace) -> int:
    networks = shipped_networks()
    best = networks["DeepConvNet"]
    if args.weights is not None:
        try:
            best = networks[Path(args.weights).name] = network_from(args.weights)
        except (OSError, TypeError, ValueError) as error:
            return _failed(args.weights, error)
    if args.image:
        return max([_read(best, path) for path in args.image])
    try:
        server = import_module("dlbasics.pad.server")
    except ModuleNotFoundError as error:
        if error.name not in EXTRA:
            raise
        print(f"the page needs {error.name}: {INSTALL}", file=sys.stderr)
        return 1
    try:
        server.serve(networks, port=args.port, browser=args.browser)
    except OSError as error:
        print(f"the page cannot be served: {error}", file=sys.stderr)
        return 1
    return 0


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m dlbasics.pad",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("image", nargs="*", help="a picture with digits; no page opens")
    parser.add_argument(
        "--weights",
        metavar="FILE",
        help="the parameters of your own network, as save_params writes them",
    )
    parser.add_argument(
        "--port", type=_port, default=8000, help="where the page is served (%(default)s)"
    )
    parser.add_argument(
        "--no-browser",
        dest="browser",
        action="store_false",
        help="print the address of the page, but do not open it",
    )
    return parser.parse_args(argv)


def _port(text: str) -> int:
    if not (text.isdecimal() and len(text) < 6 and int(text) <= 65_535):
        raise argparse.ArgumentTypeError(f"expected a number from 0 to 65535, got {text}")
    return int(text)


def _read(network: Network, path: str) -> int:
    """Print the digits in a picture; return 0, or 1 if it cannot be read."""
    try:
        images = [as_mnist(picture)[-1].picture for picture in digits_of(path)]
    except (ImportError, OSError, TypeError, ValueError) as error:
        return _failed(path, error)
    rows = probabilities(network, np.array(images))
    print(f"{path}: " + ", ".join(f"{p.argmax()} {p.max():.2f}" for p in rows), flush=True)
    return 0


def _failed(path: str, error: Exception) -> int:
    """Print why a file cannot be read; return the exit code 1."""
    reason = error.strerror if isinstance(error, OSError) else None
    message = reason or str(error).removeprefix(path).removeprefix(":").strip()
    print(f"{path}: {message}", file=sys.stderr, flush=True)
    return 1


if __name__ == "__main__":
    sys.exit(main())
