"""The report of all experiments: one page with their figures and numbers, and nothing to load."""

import base64
import platform
import re
import struct
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from datetime import datetime, timezone
from html import escape
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from dlbasics._internal.files import write_text
from dlbasics.experiment.catalog import CHAPTERS, Chapter, Entry, entries
from dlbasics.experiment.claims import LEFT_OUT, MARK, NOTE, WORDS, expected, shown
from dlbasics.experiment.figures import small_png
from dlbasics.experiment.fingerprint import is_current, versions
from dlbasics.experiment.lessons import captions
from dlbasics.experiment.measured import other_seeds
from dlbasics.experiment.runs import Result, Setting, stored

HERE = Path(__file__).parent

WIDE = 1.8
"""A figure that is wider than this number of its heights has a row for itself."""

Claims = Mapping[str, Any]


@dataclass(frozen=True)
class Tally:
    """How many claims hold.

    Attributes:
        holding: The number of claims that hold.
        broken: The number of claims that do not.
        unjudged: The number of claims that were not judged.
    """

    holding: int
    broken: int
    unjudged: int

    @classmethod
    def of(cls, results: Iterable[Result]) -> "Tally":
        """Return the tally of these results."""
        verdicts = [claim["holds"] for result in results for claim in result.about["claims"]]
        return cls(verdicts.count(True), verdicts.count(False), verdicts.count(None))

    @property
    def short(self) -> str:
        """A few words for one experiment."""
        judged = self.holding + self.broken
        return f"{self.holding} of {judged} claims hold" if judged else "nothing was judged"

    @property
    def line(self) -> str:
        """A sentence for all experiments."""
        rest = f"; {self.unjudged} numbers are shown, and not judged" if self.unjudged else ""
        return f"{self.holding} of {self.holding + self.broken} claims hold{rest}"


def difference(claim: Claims) -> str:
    """Return ours - book as text, for arrays the largest; '' if a text prints no number."""
    if not claim["printed"] or claim["book"] is None:
        return ""
    try:
        book, ours = (np.asarray(claim[key], float) for key in ("book", "ours"))
    except (OverflowError, TypeError, ValueError):
        return ""
    if book.shape != ours.shape or not book.size:
        return ""
    if not (np.isfinite(book).all() and np.isfinite(ours).all()):
        return ""
    gaps = ours - book
    if gaps.ndim == 0:
        return f"{gaps:+.2g}" if gaps else "0"
    return f"at most {np.max(np.abs(gaps)):.2g}" if gaps.any() else "0"


def write_page(setting: Setting, failed: Mapping[Entry, str]) -> Path:
    """Write the page about all experiments that have a result, and return its path.

    Args:
        setting: What the runs have in common.
        failed: The experiments that failed just now, each with the reason.
    """
    results = {entry: stored(entry, setting) for entry in entries() if entry not in failed}
    found = {entry: result for entry, result in results.items() if result is not None}
    old = {entry for entry, result in found.items() if not is_current(result.about)}
    sections = "\n".join(_chapter(chapter, found, failed, setting) for chapter in CHAPTERS)
    page = (HERE / "report.html").read_text(encoding="utf-8")
    for name, text in {
        "style": (HERE / "report.css").read_text(encoding="utf-8"),
        "script": (HERE / "report.js").read_text(encoding="utf-8"),
        "tally": _top(found, failed, old, setting),
        "contents": "\n".join(_contents(chapter, found, failed) for chapter in CHAPTERS),
        "note": escape(NOTE),
        "chapters": sections,
    }.items():
        page = page.replace(f"<!-- {name} -->", text)
    path = setting.folder / "report" / "index.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, page.encode("utf-8", "replace").decode("utf-8"))
    return path


def machine() -> str:
    """Return the kind of system and processor in a few words."""
    cpu = Path("/proc/cpuinfo")
    names = re.findall(r"model name\s*: (.*)", cpu.read_text("utf-8")) if cpu.is_file() else []
    model = names[0] if names else platform.processor() or platform.machine()
    return f"{platform.system()}, {model}"


def facts_of_versions() -> str:
    """Return the versions of what computes, in one line."""
    return ", ".join(f"{name} {number}" for name, number in versions().items())


def _top(
    found: Mapping[Entry, Result], failed: Mapping[Entry, str], old: Set[Entry], setting: Setting
) -> str:
    tally = Tally.of(result for entry, result in found.items() if entry not in old)
    judged = tally.holding + tally.broken
    if setting.quick:
        large, kind = "Quick runs: no claim is judged.", "none"
    else:
        large, kind = f"{tally.holding} of {judged} claims hold.", "good"
    if tally.broken or failed:
        kind = "bad"
    total = sum(len(chapter.scripts) for chapter in CHAPTERS)
    rest = [f"{len(found)} of {total} experiments have run"]
    if old:
        rest.append(f"{len(old)} of them with other code or versions, and do not count")
    if failed:
        rest.append(f"{len(failed)} failed")
    if tally.unjudged and not setting.quick:
        rest.append(f"{tally.unjudged} numbers are shown and not judged, such as times")
    data = "MNIST" if setting.data == "mnist" else "embedded digits, on which few claims are judged"
    when = datetime.now(timezone.utc).astimezone()
    facts = f"Data: {data}. Seed: {setting.seed}. {machine()}. {facts_of_versions()}."
    facts += f" Written {when:%Y-%m-%d %H:%M}."
    return (
        f'<p class="tally {kind}">{escape(large)}</p>\n'
        f"<p>{escape('; '.join(rest))}.</p>\n"
        f'<p class="facts">{escape(facts)}</p>'
    )


def _contents(chapter: Chapter, found: Mapping[Entry, Result], failed: Mapping[Entry, str]) -> str:
    items = []
    for entry in chapter.entries:
        kind, word = _state(entry, found, failed)
        link = f'<a href="#{_anchor(entry)}">{entry.script.replace("_", "_<wbr>")}</a>'
        items.append(f'<li><span class="dot {kind}" title="{word}"></span>{link}</li>')
    head = f'<a href="#{chapter.folder}">{chapter.number}. {escape(chapter.title)}</a>'
    return f"<div><h2>{head}</h2><ul>{''.join(items)}</ul></div>"


def _state(
    entry: Entry, found: Mapping[Entry, Result], failed: Mapping[Entry, str]
) -> tuple[str, str]:
    if entry in failed:
        return "bad", "failed"
    if entry not in found:
        return "none", "has not run"
    tally = Tally.of([found[entry]])
    kind = "bad" if tally.broken else "good" if tally.holding else "none"
    return kind, tally.short


def _chapter(
    chapter: Chapter,
    found: Mapping[Entry, Result],
    failed: Mapping[Entry, str],
    setting: Setting,
) -> str:
    articles = [
        _article(entry, found.get(entry), failed.get(entry), setting) for entry in chapter.entries
    ]
    head = f"Chapter {chapter.number}: {escape(chapter.title)}"
    return f'<section id="{chapter.folder}"><h2>{head}</h2>\n{"".join(articles)}</section>'


def _article(entry: Entry, result: Result | None, error: str | None, setting: Setting) -> str:
    command = f"python -m dlbasics {entry.name}" + " --quick" * setting.quick
    parts = [
        f'<article id="{_anchor(entry)}">',
        f"<h3>{inline(entry.title)}</h3>",
        f"<p><code>{escape(command)}</code></p>",
    ]
    if error is not None:
        parts.append(f'<p class="problem">This experiment failed: {escape(error)}</p>')
    elif result is None:
        long = " It takes half an hour or more: --long runs it." if entry.is_long else ""
        parts.append(f'<p class="facts">This experiment has not run.{long}</p>')
    else:
        if not is_current(result.about):
            parts.append(
                '<p class="problem">The code or the versions have changed since this run.</p>'
            )
        parts += [_description(entry), _figures(entry, result), _claims(entry, result)]
        parts.append(_facts(result.about))
    return "\n".join([*parts, "</article>\n"])


def _description(entry: Entry) -> str:
    first, *rest = re.split(r"\n\s*\n", entry.doc)
    paragraphs = [" ".join(first.split("\n")[1:]), *rest]
    return "\n".join(
        f"<pre>{escape(text)}</pre>" if text.startswith("    ") else f"<p>{inline(text)}</p>"
        for text in paragraphs
        if text.strip()
    )


def _figures(entry: Entry, result: Result) -> str:
    said = captions(entry.folder)
    figures = []
    # One paragraph may explain several figures.
    for text, paths in groupby(
        result.figures, lambda path: said.get(path.name, _name(entry, path))
    ):
        images = [_image(_name(entry, path), path) for path in paths]
        kind = ' class="several"' if len(images) > 1 else ' class="wide"' if images[0][1] else ""
        shown_images = "".join(image for image, _ in images)
        figures.append(
            f"<figure{kind}><div>{shown_images}</div>"
            f"<figcaption>{inline(text)}</figcaption></figure>"
        )
    return f'<div class="figures">{"".join(figures)}</div>' if figures else ""


def _name(entry: Entry, path: Path) -> str:
    """Return the name of a figure in words, such as 'Figure 6.9.'"""
    name = path.stem.removeprefix(f"{entry.script}_").replace("_", " ")
    name = re.sub(r"(figure|table) (\w) (\d+)", r"\1 \2.\3", name)
    return f"{name[:1].upper()}{name[1:]}."


def _image(name: str, path: Path) -> tuple[str, bool]:
    """Return a picture as HTML, and whether it is wide; a message if the file holds none."""
    try:
        picture = small_png(path, None)
    except (OSError, ValueError) as error:
        return f'<p class="problem">{escape(str(error))}</p>', False
    width, height = struct.unpack(">II", picture[16:24])  # the head of each PNG file has them
    source = f"data:image/png;base64,{base64.b64encode(picture).decode('ascii')}"
    image = f'<img loading="lazy" alt="{escape(name)}" width="{width}" height="{height}"'
    return f'{image} src="{source}">', width > WIDE * height


def _claims(entry: Entry, result: Result) -> str:
    claims = [claim for claim in result.about["claims"] if claim["ours"] != LEFT_OUT]
    if not claims:
        return ""
    heads = ("number", "book or expected", "ours", "difference", "", "holds if, and why")
    head = "".join(f"<th>{text}</th>" for text in heads)
    rows = "".join(_row(entry, claim, heads) for claim in claims)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _row(entry: Entry, claim: Claims, heads: tuple[str, ...]) -> str:
    word = WORDS[claim["holds"]]
    kind = {True: "good", False: "bad", None: "none"}[claim["holds"]]
    cells = [
        escape(claim["text"]),
        escape(expected(claim)).replace(f" {MARK}", f"&nbsp;{MARK}"),
        escape(shown(claim["ours"], claim["digits"])),
        escape(difference(claim)),
        f'<span class="verdict {kind}">{word}</span>',
        reason(entry, claim),
    ]
    labelled = zip(heads, cells, strict=True)
    row = "".join(f'<td data-label="{head}">{cell}</td>' for head, cell in labelled)
    return f"<tr>{row}</tr>"


def reason(entry: Entry, claim: Claims) -> str:
    """Return what a claim's test is, why, and what other seeds give, as HTML."""
    # Without a text's words the condition already stands in the second column.
    parts = [escape(claim["condition"])] if claim["book"] is not None else []
    if claim["why"]:
        parts.append(f"<small>{escape(claim['why'])}</small>")
    if seeds := other_seeds(entry.name, claim["text"]):
        numbers = "; ".join(seeds.values())
        parts.append(f"<small>seeds {', '.join(seeds)}: {escape(numbers)}</small>")
    return "<br>".join(part for part in parts if part)


def _facts(about: Mapping[str, Any]) -> str:
    settings = ", ".join(f"{key} {shown(value)}" for key, value in about["config"].items())
    facts = [f"Settings: {settings}" if settings else "No settings"]
    if about["seed"] is not None:
        facts.append(f"seed {about['seed']}")
    facts.append(f"{about['seconds']:.1f} s")
    line = f"{'; '.join(facts)}."
    if about["versions"] != versions():  # those of today stand on top
        line += " " + ", ".join(f"{name} {number}" for name, number in about["versions"].items())
    return f'<p class="facts">{escape(line)}</p>'


def _anchor(entry: Entry) -> str:
    return f"{entry.folder}-{entry.script}"


def inline(text: str) -> str:
    """Return a paragraph of Markdown as HTML: bold, italic, code and formulas; links as words."""
    html = escape(" ".join(text.split()), quote=False)
    html = re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", html)
    kept: list[str] = []

    def keep(match: re.Match[str]) -> str:
        kept.append(f"<code>{match[1]}</code>" if match[1] else f"<i>{_formula(match[2])}</i>")
        return f"\0{len(kept) - 1}\0"

    html = re.sub(r"`([^`]+)`|\$([^$]+)\$", keep, html)
    html = re.sub(r"\*\*([^*]+)\*\*", r"<b>\1</b>", html)
    html = re.sub(r"\*([^*\s][^*]*)\*", r"<i>\1</i>", html)
    return re.sub(r"\0(\d+)\0", lambda match: kept[int(match[1])], html)


def _formula(text: str) -> str:
    """Return one of the short formulas of a caption, in LaTeX, as HTML."""
    text = re.sub(r"\\frac\{(.*?)\}\{(.*?)\}", r"\1/\2", text)
    text = text.replace("\\partial ", "∂").replace("\\eta", "η").replace("\\sqrt", "√")
    text = re.sub(r"\^(\w)|\^\{(.*?)\}", r"<sup>\1\2</sup>", text)
    return re.sub(r"[\\{}]", "", text)
