"""The command line of a chapter script: the shared flags, and one for each field of its Config."""

import argparse
import math
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, Literal, get_args, get_origin, get_type_hints


def parse(
    doc: str | None, config: type[Any] | None, quick: Mapping[str, Any], argv: Sequence[str] | None
) -> tuple[argparse.Namespace, Any]:
    """The shared flags, and the script's settings (None without a Config).

    --quick sets the fields that `quick` names; a flag of its own wins over it.  Flags that do not
    parse, or that Config refuses, end the program with a message.
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
    if config is None:
        return parser.parse_args(argv), None
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
    """Numbers must be finite; where the book's value is above 0, counts too, and others not below.

    A rate or a share of 0 switches something off, which is worth a try.
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
        names = {f"--{field.name.replace('_', '-')}", f"--{field.name}"}
        shown = (
            field.default
            if not isinstance(field.default, tuple)
            else " ".join(map(str, field.default))
        )
        group.add_argument(
            *sorted(names),
            dest=field.name,
            default=None,
            help=f"({shown})",
            **_kind(hints[field.name]),
        )


def _kind(hint: Any) -> dict[str, Any]:
    """How argparse reads a field of type bool, Literal["a", "b"], tuple[int, ...], int, ..."""
    if hint is bool:
        return {"action": argparse.BooleanOptionalAction}
    if get_origin(hint) is Literal:
        return {"choices": get_args(hint)}
    if get_origin(hint) is tuple:
        return {"type": get_args(hint)[0], "nargs": "+"}
    return {"type": hint}
