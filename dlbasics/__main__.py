"""Lists the experiments, and runs one by its name: python -m dlbasics ch07/train_convnet --quick.

python -m dlbasics                             lists the chapters and their experiments
python -m dlbasics ch07                        lists those of a chapter
python -m dlbasics train_convnet --help        explains the settings of an experiment
python -m dlbasics ch07/train_convnet --quick  runs an experiment in seconds
"""

import re
import sys
from collections.abc import Iterable, Sequence

from dlbasics._internal.streams import forgiving_streams
from dlbasics.experiment.catalog import CHAPTERS, Chapter, Entry, find, find_chapter, similar

NEXT = """
Run one by its name: python -m dlbasics ch07/train_convnet --quick; --help explains its settings.
All of them: python -m dlbasics.reproduce. The digit pad: python -m dlbasics.pad."""


def main(argv: Sequence[str] | None = None) -> None:
    """Do what the command line says.

    Args:
        argv: The command line; None stands for that of the process.
    """
    name, *flags = (sys.argv[1:] if argv is None else [*argv]) or [""]
    with forgiving_streams():
        act(name, flags)


def act(name: str, flags: list[str]) -> None:
    """Print a list, or run the experiment of this name with these flags."""
    if name in ("-h", "--help"):
        print((__doc__ or "").strip())
    elif not name:
        print("\n\n".join(map(listing, CHAPTERS)))
        print(NEXT)
    elif name.startswith("-"):
        sys.exit(f"the name of an experiment comes before its flags, got {name!r} first")
    elif chapter := find_chapter(name):
        if flags:
            sys.exit(f"{name!r} is a chapter; flags go to one of its experiments")
        print(listing(chapter))
    else:
        entry = the_one(name)
        sys.argv = [str(entry.path), *flags]  # --help tells how to start the script itself
        entry.load().main(flags)


def listing(chapter: Chapter) -> str:
    """Return the lines of a chapter."""
    return "\n".join([f"Chapter {chapter.number}: {chapter.title}", *lines(chapter.entries)])


def lines(entries: Iterable[Entry]) -> list[str]:
    """Return two lines for each experiment: its name and its title."""
    return [f"  {entry.name}\n      {entry.title.replace('*', '')}" for entry in entries]


def the_one(name: str) -> Entry:
    """Return the experiment of this name; end the program unless there is exactly one."""
    found = find(name)
    if len(found) == 1:
        return found[0]
    if found:
        problem, offered = f"several experiments are called {name!r}; name the chapter, too", found
    else:
        problem, offered = f"no experiment is called {name!r}", similar(name)
        if re.fullmatch(r"(ch)?\d+", name):
            sys.exit(f"there is no chapter {name!r}; the chapters are 2 to 8")
        if not offered:
            sys.exit(f"{problem}; python -m dlbasics lists all")
        problem += "; similar names are"
    print("\n".join([f"{problem}:", *lines(offered)]), file=sys.stderr)
    sys.exit(2)


if __name__ == "__main__":
    main()
