"""Writes the numbers and figures of a full run into docs/ and the chapters' lessons."""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from dlbasics._internal.files import write_text
from dlbasics.experiment.catalog import CHAPTERS, ROOT, Entry, entries
from dlbasics.experiment.claims import LEFT_OUT, MARK, NOTE, WORDS, expected, shown
from dlbasics.experiment.figures import shrink
from dlbasics.experiment.lessons import PICTURE
from dlbasics.experiment.measured import keep
from dlbasics.experiment.report import Tally, difference, facts_of_versions, machine
from dlbasics.experiment.runs import Result, Setting, finished

BEGIN, END = "<!-- claims -->", "<!-- end of claims -->"
"""The lines around the table of a lesson."""

LESSON = "| script | number | book or expected | ours |\n|---|---|---|---|"

PAGE = (
    "| number | book or expected | ours | difference | | holds if, and why |\n" + 6 * "|---" + "|"
)

_NOTE = NOTE.replace(MARK, f"\\{MARK}")  # or Markdown takes it for a list

Results = Mapping[Entry, Result]


def write_docs(setting: Setting, root: Path = ROOT) -> Path:
    """Write docs/results.md, the tables and figures of the lessons, and the usual times.

    Args:
        setting: That of a full run on MNIST.
        root: The folder of the project.

    Returns:
        The path of results.md.

    Raises:
        ValueError: If the folder is not that of the project, or an experiment lacks a result or a
            number.
    """
    if not (root / "docs" / "figures").is_dir():
        raise ValueError(f"--write-docs needs the project's folder, got {root}")
    results = _results(setting)
    figures = _figures(results)
    pages = [root / "README.md", *(root / chapter.folder / "README.md" for chapter in CHAPTERS)]
    wanted = {name for page in pages for name in PICTURE.findall(page.read_text(encoding="utf-8"))}
    shrink([path for name, path in figures.items() if name in wanted], root / "docs" / "figures")
    for chapter in CHAPTERS:
        own = {entry: results[entry] for entry in chapter.entries if entry in results}
        update_lesson(root / chapter.folder / "README.md", own)
    keep("seconds", {e.name: round(results[e].about["seconds"], 1) for e in results})
    keep("seeds", _other_seeds(setting))
    page = root / "docs" / "results.md"
    write_text(page, _page(results, wanted))
    return page


def update_lesson(readme: Path, results: Results) -> None:
    """Put the claims of these results into the table of `readme` between BEGIN and END.

    The scripts have the order in which the text above the table links them first.  A script
    without a result keeps its rows.

    Raises:
        ValueError: If `readme` lacks the lines BEGIN and END.
    """
    text = readme.read_text(encoding="utf-8")
    before, found, rest = text.partition(f"{BEGIN}\n")
    old, ended, after = rest.partition(f"{END}\n")
    if not found or not ended:
        raise ValueError(f"{readme} must have the lines {BEGIN!r} and {END!r} around its table")
    by_script = {entry.script: result for entry, result in results.items()}
    rows: list[str] = []
    for script in dict.fromkeys(re.findall(r"\[`(\w+)\.py`\]\(\1\.py\)", before)):
        link = f"[`{script}.py`]({script}.py)"
        if script in by_script:
            rows += [
                _line(link, claim["text"], expected(claim), shown(claim["ours"], claim["digits"]))
                for claim in by_script[script].about["claims"]
            ]
        else:
            rows += [row for row in old.splitlines() if row.startswith(f"| {link} |")]
    holds = "All of these numbers hold, or are only shown: "
    if Tally.of(results.values()).broken:
        holds = "Not all of these numbers hold: "
    link = "[results](../docs/results.md) says what each one must fulfil."
    table = "\n".join([LESSON, *rows, "", holds + link, "", _NOTE])
    write_text(readme, f"{before}{BEGIN}\n\n{table}\n\n{END}\n{after}")


def _line(*cells: str) -> str:
    """Return a line of a table in Markdown."""
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _results(setting: Setting) -> Results:
    """Return the result of each experiment; those that only --long runs may lack one."""
    results = {}
    for entry in entries():
        result = finished(entry, setting)
        if result is None:
            if entry.is_long:
                continue
            raise ValueError(f"--write-docs needs a result of {entry.name} by today's code")
        claims = result.about["claims"]
        if missing := [claim["text"] for claim in claims if claim["ours"] == LEFT_OUT]:
            raise ValueError(f"--write-docs: {entry.name} lacks {missing}: is an extra missing?")
        results[entry] = result
    return results


def _other_seeds(setting: Setting) -> dict[str, dict[str, dict[str, str]]]:
    """Return our numbers by experiment, seed and claim, for the seeds that have results."""
    found: dict[str, dict[str, dict[str, str]]] = {}
    seeds = [int(path.name[5:]) for path in setting.out.glob("seed-*") if path.name[5:].isdecimal()]
    for seed in sorted(seeds):
        other = replace(setting, seed=seed)
        for entry in entries():
            result = finished(entry, other)
            if result is not None and result.about["seed"] is not None:
                found.setdefault(entry.name, {})[str(seed)] = {
                    claim["text"]: shown(claim["ours"], claim["digits"])
                    for claim in result.about["claims"]
                }
    return found


def _figures(results: Results) -> dict[str, Path]:
    """Return the paths of all figures by file name, which no two experiments may share."""
    figures: dict[str, Path] = {}
    for entry, result in results.items():
        for path in result.figures:
            if path.name in figures:
                raise ValueError(f"two experiments have a figure {path.name}; {entry.name} is one")
            figures[path.name] = path
    return figures


def _page(results: Results, wanted: set[str]) -> str:
    tally = Tally.of(results.values())
    minutes = sum(result.about["seconds"] for result in results.values()) / 60
    lines = [
        "# Results",
        "",
        f"**{tally.line}.** `python -m dlbasics.reproduce --write-docs`",
        f"wrote this page after a full run on MNIST with seed 0, on {machine()};",
        f"{facts_of_versions()}.",
        f"The experiments take {minutes:.0f} minutes one after the other, less two at a time.",
        "`python -m dlbasics.reproduce` makes the same page on your machine, with all figures;",
        "accuracies may differ in the last digits, as processors round differently.",
        "",
        _NOTE,
        "",
    ]
    for chapter in CHAPTERS:
        lesson = f"[lesson](../{chapter.folder}/README.md)"
        lines += [
            f"## Chapter {chapter.number}: {chapter.title}",
            "",
            f"Its {lesson} explains all.",
            "",
        ]
        for entry in chapter.entries:
            if entry in results:
                lines += _section(entry, results[entry].about, wanted)
    return "\n".join(lines).rstrip() + "\n"


def _section(entry: Entry, about: Mapping[str, Any], wanted: set[str]) -> list[str]:
    link = f"[`{entry.script}.py`](../{entry.folder}/{entry.script}.py)"
    lines = [f"### {about['title']}", "", f"{link}, {about['seconds']:.1f} s", ""]
    pictures = [name for name in about["figures"] if name in wanted]
    for name in pictures:
        lines += [f'<img src="figures/{name}" width="420" alt="{name}">']
    lines += [""] * bool(pictures)
    if about["claims"]:
        lines += [PAGE, *map(_row, about["claims"]), ""]
    return lines


def _row(claim: Mapping[str, Any]) -> str:
    # Without a text's words the condition already stands in the second column.
    condition = claim["condition"] if claim["book"] is not None else ""
    parts = [part for part in (condition, claim["why"]) if part]
    return _line(
        claim["text"],
        expected(claim),
        shown(claim["ours"], claim["digits"]),
        difference(claim),
        WORDS[claim["holds"]],
        "; ".join(parts),
    )
