"""The command line of a chapter script: the shared flags, and one for each of its settings."""

import argparse
import inspect
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import fields
from numbers import Integral, Real
from pathlib import Path
from types import NoneType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from dlbasics._internal.checks import as_flag


def parse(
    doc: str | None,
    config: type[Any],
    quick: Mapping[str, Any],
    wanted: Sequence[str],
    argv: Sequence[str],
) -> tuple[argparse.Namespace, Any]:
    """Read the command line: the shared flags, and one flag for each field of `config`.

    Flags that do not parse, or that `config` refuses, end the program with a message.

    Args:
        doc: The text that --help shows.
        config: A dataclass with the settings of the script.  Its docstring explains them.
        quick: The settings that --quick changes, unless their own flags are given.
        wanted: What the script uses, of 'rng', 'data', 'progress' and 'plot'.  Shared flags about
            other things are not offered.
        argv: The command line.

    Returns:
        The shared flags, and an instance of `config`.
    """
    parser = argparse.ArgumentParser(
        description=doc, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    _add_settings(parser, config)
    _add_shared(parser, wanted)
    # --hidden_size, as the setting is spelled in Python, is as good as --hidden-size.
    args = parser.parse_args([_with_dashes(argument) for argument in argv])
    given = dict(quick) if args.quick else {}
    for field in fields(config):
        value = getattr(args, field.name)
        if value is not None:
            given[field.name] = tuple(value) if isinstance(value, list) else value
    try:
        return args, make_settings(config, given)
    except (TypeError, ValueError) as error:
        parser.error(str(error))


def _with_dashes(argument: str) -> str:
    """Return --hidden-size=a_b for --hidden_size=a_b; anything but a flag stays as it is."""
    flag, equals, value = argument.partition("=")
    if flag.startswith("--"):
        flag = "--" + flag[2:].replace("_", "-")
    return f"{flag}{equals}{value}"


def make_settings(config: type[Any], given: Mapping[str, Any]) -> Any:
    """Return an instance of `config` with the given settings, after a check of their numbers.

    Raises:
        TypeError: If there is no setting of that name, or a number is expected and something else
            comes.
        ValueError: If a number is infinite or NaN, or has a sign that the default excludes.  A
            count must be above 0 if its default is.  A rate or a share may be 0, which switches
            something off.
    """
    names = [field.name for field in fields(config)]
    for name in given:
        if name not in names:
            offered = ", ".join(names) or "none"
            raise TypeError(f"there is no setting {name!r}; the settings are: {offered}")
    hints = get_type_hints(config)
    for field in fields(config):
        if field.name in given:
            _check(given[field.name], field.name, hints[field.name], field.default)
    return config(**given)


def _check(value: Any, name: str, hint: Any, default: Any) -> None:
    if get_origin(hint) is Literal and not (
        isinstance(value, str | int) and value in get_args(hint)
    ):
        options = ", ".join(map(repr, get_args(hint)))
        raise ValueError(f"{name} must be one of {options}, got {value!r}")
    if get_origin(hint) is tuple:
        if not isinstance(value, list | tuple):
            raise TypeError(f"{name} must be a list, got {value!r}")
        if default and not value:
            raise ValueError(f"{name} must not be empty")
        for item in value:
            _check(item, name, get_args(hint)[0], None)
    if hint is bool:
        as_flag(value, name)
    if hint not in (int, float):
        return
    if isinstance(value, bool) or not isinstance(value, Integral if hint is int else Real):
        expected = "an integer" if hint is int else "a number"
        raise TypeError(f"{name} must be {expected}, got {value!r}")
    try:
        is_finite = math.isfinite(value)
    except OverflowError:
        is_finite = False
    if not is_finite:
        raise ValueError(f"{name} must be finite, got {value}")
    if isinstance(default, int | float) and default > 0:
        if value < 0 or (value == 0 and hint is int):
            limit = "above 0" if hint is int else "0 or above"
            raise ValueError(f"{name} must be {limit}, got {value}")


def explained(config: type[Any]) -> dict[str, str]:
    """Return what the docstrings of `config` and its base classes say about each setting.

    They explain a setting in a section `Args:`, in a line such as `epochs: The number of epochs.`
    """
    found: dict[str, str] = {}
    for cls in reversed(config.__mro__[:-1]):
        _, _, section = inspect.cleandoc(cls.__doc__ or "").partition("Args:\n")
        for name, text in re.findall(r"^ {4}(\w+): (.*(?:\n {5,}.*)*)", section, re.MULTILINE):
            found[name] = " ".join(text.split())
    return found


def _add_shared(parser: argparse.ArgumentParser, wanted: Sequence[str]) -> None:
    group = parser.add_argument_group("shared by all scripts")
    group.add_argument(
        "--quick",
        action="store_true",
        help="take seconds: small settings, no download; the result is not judged",
    )
    if "rng" in wanted:
        group.add_argument(
            "--seed", type=_seed, default=0, metavar="N", help="seed of all random numbers (0)"
        )
    if "data" in wanted:
        group.add_argument(
            "--data",
            choices=("auto", "mnist", "digits"),
            default="auto",
            help="images to use: MNIST; the digits that dlbasics draws; or MNIST where it is at "
            "hand, else the digits (auto)",
        )
    group.add_argument(
        "--out",
        type=_folder,
        default="out",
        metavar="FOLDER",
        help="folder for figures and results (out)",
    )
    if "plot" in wanted:
        group.add_argument(
            "--show",
            action=argparse.BooleanOptionalAction,
            help="open the figures in windows (where there is a display)",
        )
    if "progress" in wanted:
        group.add_argument("--no-progress", action="store_true", help="hide the progress bar")


def _seed(text: str) -> int:
    if not text.isdecimal() or len(text) > 100:
        raise argparse.ArgumentTypeError(f"must be an integer from 0 on, got {text[:100]!r}")
    return int(text)


def _folder(text: str) -> str:
    if not text:
        raise argparse.ArgumentTypeError("must be the name of a folder, got ''")
    return text


def _add_settings(parser: argparse.ArgumentParser, config: type[Any]) -> None:
    group = parser.add_argument_group("settings of this experiment (default in parentheses)")
    hints, texts = get_type_hints(config), explained(config)
    for field in fields(config):
        values = field.default if isinstance(field.default, tuple) else (field.default,)
        default = " ".join(f"{v:g}" if isinstance(v, float) else str(v) for v in values)
        default = "none" if default in ("", "None") else default
        text = f"{texts.get(field.name, '').rstrip('.')} ({default})".replace("%", "%%")
        flag = f"--{field.name.replace('_', '-')}"
        group.add_argument(flag, dest=field.name, help=text, **_kind(hints[field.name]))


def _kind(hint: Any) -> dict[str, Any]:
    """Return how argparse reads a field of type bool, Literal["a"], tuple[int, ...], int, ..."""
    if hint is bool:
        return {"action": argparse.BooleanOptionalAction}
    if get_origin(hint) is Literal:
        return {"choices": get_args(hint), "type": type(get_args(hint)[0])}
    if get_origin(hint) is tuple:
        return _kind(get_args(hint)[0]) | {"nargs": "+"}
    if NoneType in get_args(hint):  # Path | None
        return _kind(get_args(hint)[0])
    return {"type": hint, "metavar": {int: "N", float: "X", Path: "FILE"}.get(hint, "TEXT")}
