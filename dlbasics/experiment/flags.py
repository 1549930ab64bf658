"""The command line of a chapter script: the shared flags, and one for each field of its Config."""

import argparse
import math
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, Literal, get_args, get_origin, get_type_hints


def parse(
    doc: str | None, config: type[Any], quick: Mapping[str, Any], argv: Sequence[str] | None
) -> tuple[argparse.Namespace, Any]:
    """Read the command line: the shared flags, and one flag for each field of `config`.

    Flags that do not parse, or that `config` refuses, end the program with a message.

    Args:
        doc: The text that --help shows.
        config: A dataclass with the settings of the script.
        quick: The fields that --quick changes, unless their own flags are given.
        argv: The command line; None stands for that of the process.

    Returns:
        The shared flags, and an instance of `config`.
    """
    parser = argparse.ArgumentParser(
        description=doc, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    shared = parser.add_argument_group("shared by all scripts")
    shared.add_argument("--quick", action="store_true", help="a run of seconds, without a download")
    shared.add_argument("--seed", type=_seed, default=0, help="seed of all random numbers (0)")
    shared.add_argument(
        "--data", choices=("auto", "mnist", "digits"), default="auto", help="data set (auto)"
    )
    shared.add_argument("--out", default="out", help="folder for figures and results (out)")
    shared.add_argument(
        "--show",
        action=argparse.BooleanOptionalAction,
        help="open the figures in windows (where there is a display)",
    )
    shared.add_argument("--no-progress", action="store_true", help="no progress bar")
    _add_fields(parser, config)
    args = parser.parse_args(argv)
    settings = dict(quick) if args.quick else {}
    for field in fields(config):
        value = getattr(args, field.name)
        if value is not None:
            settings[field.name] = tuple(value) if isinstance(value, list) else value
    try:
        made = config(**settings)
        _check_numbers(made)
    except (TypeError, ValueError) as error:
        parser.error(str(error))
    return args, made


def _check_numbers(settings: Any) -> None:
    """Raise ValueError for infinite numbers, and for signs that the book's value excludes.

    A count must be above 0 if the book's is.  A rate or a share may be 0, which switches something
    off.
    """
    for field in fields(settings):
        value, default = getattr(settings, field.name), field.default
        if not isinstance(value, int | float) or not isinstance(default, int | float):
            continue
        if not math.isfinite(value):
            raise ValueError(f"{field.name} must be finite, got {value}")
        if default > 0 and not isinstance(default, bool):
            is_count = isinstance(default, int)
            if value < 0 or (value == 0 and is_count):
                limit = "above 0" if is_count else "0 or above"
                raise ValueError(f"{field.name} must be {limit}, got {value}")


def _seed(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"must be an integer from 0 on, got {text!r}")
    return int(text)


def _add_fields(parser: argparse.ArgumentParser, config: type[Any]) -> None:
    group = parser.add_argument_group("settings of the experiment (the book's values)")
    hints = get_type_hints(config)
    for field in fields(config):
        names = sorted({f"--{field.name.replace('_', '-')}", f"--{field.name}"})
        values = field.default if isinstance(field.default, tuple) else (field.default,)
        text = f"({' '.join(map(str, values))})"
        group.add_argument(*names, dest=field.name, help=text, **_kind(hints[field.name]))


def _kind(hint: Any) -> dict[str, Any]:
    """Return how argparse reads a field of type bool, Literal["a"], tuple[int, ...], int, ..."""
    if hint is bool:
        return {"action": argparse.BooleanOptionalAction}
    if get_origin(hint) is Literal:
        return {"choices": get_args(hint)}
    if get_origin(hint) is tuple:
        return {"type": get_args(hint)[0], "nargs": "+"}
    return {"type": hint}
