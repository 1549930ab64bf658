"""Look up what the project cites in the five texts: `python -m tests.citations FOLDER`.

FOLDER holds the texts as .txt files under any names; without it, the environment variable
DLBASICS_TEXTS names the folder.  The program prints each citation, and each row of
docs/register.csv, that does not occur in the text it is said to be from.  CONTRIBUTING.md says how
to cite.
"""

import ast
import csv
import io
import os
import re
import sys
import tokenize
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[1]
"""The folder of the project."""

BOOK = "Saitoh"
"""The author whose text is meant where no author is named."""

TEXTS = {
    BOOK: "Deep Learning from the Basics",
    "Takahashi": "Playing with MNIST",
    "Tilk": "Simple neural network to recognize handwritten digits",
    "Huang": "Math Behind Digital Handwritten Recognition",
    "Takenawa": "Deep Learning: Part 2",
}
"""The title of each author's text, which stands among its first lines."""

NOT_SEARCHED = {"tests/test_citations.py", "tests/docs/test_errata.py"}
"""Files that cite wrongly on purpose, or quote texts that do."""

NUMBER = r"(?:\d+|[A-C])(?:[.-]\d+)*[a-f]?"
KIND = r"eqs?\.|equations?|figures?|tables?|sections?"
NUMBERS = rf"\(?{NUMBER}\)?(?:(?:,| and| or| to)+ \(?{NUMBER}\)?)*"
TOKEN = re.compile(
    rf"\b(?P<author>{'|'.join(TEXTS)}|[Bb]ook)\b"
    r"|(?P<paper>\bet al\b|\bthe (?:paper|source)'s\b)"
    r"|(?<![*\w])\*(?P<title>[A-Z][^*]*[^*\s])\*(?!\*)(?: \(chapter (?P<chapter>\d+))?"
    rf"|\b(?P<kind>(?i:{KIND}))\s+(?P<numbers>{NUMBERS})(?![\w.]*\d)"
)
FIGURE_KEY = re.compile(
    rf"(?:\b|_)(?:(?P<author>{'|'.join(TEXTS).lower()})_)?figure_(?P<chapter>\d+|A)_(?P<number>\d+)"
)


@dataclass
class Text:
    """What can be cited from a text.

    Args:
        titles: The titles of the text and of its sections.
        chapters: The chapters in which each title stands, if chapters have their numbers alone in a
            line.
        numbers: The numbers of its equations, figures, tables and sections.
        listings: How many listings each section prints.
    """

    titles: set[str] = field(default_factory=set)
    chapters: set[tuple[str, str]] = field(default_factory=set)
    numbers: dict[str, set[str]] = field(default_factory=dict)
    listings: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, order=True)
class Citation:
    """A title, or the number of an equation, figure, table or section, cited from a text."""

    place: str
    author: str
    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.place}: {self.author} has no {self.kind} {self.name!r}"


def read_texts(folder: Path) -> dict[str, Text]:
    """Return the texts in a folder, by author.

    Raises:
        ValueError: If a text is missing, or there twice.
    """
    texts: dict[str, Text] = {}
    for path in sorted(folder.glob("*.txt")):
        content = path.read_text(encoding="utf-8")
        for author, title in TEXTS.items():
            if title in content[:300]:
                if author in texts:
                    raise ValueError(f"{folder} holds the text of {author} twice")
                texts[author] = read_text(content)
    if missing := TEXTS.keys() - texts.keys():
        raise ValueError(f"{folder} must hold the texts of {', '.join(sorted(missing))}")
    return texts


def read_text(content: str) -> Text:
    """Return what can be cited from a text."""
    text = Text(numbers={kind: set() for kind in ("equation", "figure", "table", "section")})
    lines = ["", *content.splitlines(), ""]
    contents = {title for line in lines if "\t" in line and (title := title_in(line))}
    section, chapter, in_listing = "", 0, False
    for before, line, after in zip(lines, lines[1:], lines[2:], strict=False):
        if line.startswith("```"):
            in_listing = not in_listing
            text.listings[section] += in_listing
            continue
        if in_listing:
            continue
        add_numbers(text, line)
        alone = not before.strip() and not after.strip()
        chapter += alone and line.strip() == str(chapter + 1)
        if (title := title_in(line)) and (alone or line.startswith("#") or "\t" in line):
            text.titles.add(title)
            text.chapters.add((title, str(chapter)))
            if title in contents or line.startswith("#"):
                section = title
    text.listings = Counter({name: count for name, count in text.listings.items() if count})
    return text


def title_in(line: str) -> str:
    """Return the title that a line is, without its number and page; "" if it is a sentence."""
    line = line.rstrip(" :.") if line.startswith("#") else line
    line = re.sub(r"[#*$‡`]|\\([_*])|(?:\. ?){3,}", r"\1", line).strip()
    if "\t" in line:
        parts = [part.strip() for part in line.split("\t") if re.search(r"[A-Za-z]{2}", part)]
        line = parts[0] if len(parts) == 1 else ""
    line = re.sub(r"^(?:Chapter \d+: ?|(?:A\.)?\d+(?:\.\d+)*\.? ?)", "", line)
    line = re.sub(r"\s+(?:A|\d+)(?:\.\d+)+$", "", line).strip()
    fits = 2 < len(line) < 130 and line[0].isupper() and line[-1] not in ".:;,"
    return line if fits else ""


def add_numbers(text: Text, line: str) -> None:
    """Enter the numbers of the equations, figures, table or section that a line has."""
    number = r"((?:[A-C]|\d+)(?:[.-]\d+)*[a-f]?)"
    equations = re.findall(rf"\\tag\s*\{{\(?(?:\\text\{{)?\(?{number}\)?\}}?", line)
    equations += re.findall(rf"\beq\.\}}?\s?\({number}\)", line)
    if not re.match(r"[A-Za-z#]", line):
        equations += re.findall(
            rf"\((?:\\text\s*\{{)?{number}\}}?\)[.\s]*(?:\\end\{{\w+\}})?\s*(?:\$\$)?$", line
        )
    text.numbers["equation"].update(name for name in equations if re.search(r"\d", name))
    figures = re.findall(rf"(?:^\W*|\. |\s\s|\*\*)Fig(?:ure)?\s+{number}[.:]\s", line)
    text.numbers["figure"].update(figures)
    text.numbers["table"].update(re.findall(rf"^\W*Table {number}[.:]\s", line))
    if line.startswith("#") or "\t" in line:
        first = r"^(?:#+\W*|\t?)((?:A\.)?\d+(?:\.\d+)*)[.\s]*(?:\*\*)?\s*[A-Za-z]{2}"
        sections = re.findall(first, line) + re.findall(r"^#.*[a-z?]\s((?:A|\d+)(?:\.\d+)+)$", line)
        text.numbers["section"].update(sections)


def citations(root: Path) -> list[Citation]:
    """Return all that the pages, docstrings, comments and texts of a project cite."""
    found = []
    for path in sorted(root.rglob("*")):
        place = path.relative_to(root).as_posix()
        hidden = any(part.startswith(".") or part in ("out", "build") for part in path.parts)
        if path.suffix not in (".py", ".pyi", ".md") or hidden or place in NOT_SEARCHED:
            continue
        content = path.read_text(encoding="utf-8")
        found += [*cited_keys(place, content)]
        author, level = BOOK, 0
        for line, passage in passages(path.suffix, content):
            if path.suffix == ".md" and (heading := re.match("#+ ", passage)):
                named = re.search("|".join(TEXTS), passage)
                if named or len(heading[0]) <= level:
                    author, level = named[0] if named else BOOK, len(heading[0])
            found += [*cited_in(f"{place}:{line}", passage, author)]
    return sorted({*found}, key=in_reading_order)


def in_reading_order(citation: Citation) -> tuple[str, int, Citation]:
    """Return what sorts citations by file and line."""
    path, _, line = citation.place.rpartition(":")
    return path, int(line), citation


def cited_keys(place: str, content: str) -> Iterator[Citation]:
    """Yield the figures after which keys and files are named, such as figure_6_9."""
    for match in FIGURE_KEY.finditer(content):
        author = (match["author"] or BOOK).title()
        line = content.count("\n", 0, match.start()) + 1
        number = match["number"] if author in ("Tilk", "Huang") else "{chapter}.{number}"
        yield Citation(f"{place}:{line}", author, "figure", number.format(**match.groupdict()))


def passages(suffix: str, content: str) -> Iterator[tuple[int, str]]:
    """Yield the paragraphs and cells of a page, or the texts and comments of a program."""
    if suffix == ".md":
        yield from paragraphs(
            re.sub(r"```.*?```", lambda code: "\n" * code[0].count("\n"), content, flags=re.DOTALL)
        )
        return
    for node in ast.walk(ast.parse(content)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            for line, passage in paragraphs(node.value):
                yield node.lineno + line - 1, passage
    comments: dict[int, str] = {}
    for token in tokenize.generate_tokens(io.StringIO(content).readline):
        if token.type == tokenize.COMMENT:
            start = token.start[0]
            if token.line.strip().startswith("#") and start - 1 in comments:
                comments[start] = f"{comments.pop(start - 1)} {token.string.lstrip('# ')}"
            else:
                comments[start] = token.string.lstrip("# ")
    yield from comments.items()


def paragraphs(content: str) -> Iterator[tuple[int, str]]:
    """Yield the first line and the words of each paragraph, item and cell."""
    start, words = 1, ""
    for line, row in enumerate([*content.split("\n"), ""], start=1):
        begins = re.match(r"\s*(?:[-*>#|]|\d+\.) ", row) or not row.strip()
        if begins and words:
            yield start, words
            words = ""
        if row.lstrip().startswith("|"):
            for cell in row.split("|"):
                yield line, cell.strip()
            continue
        start = start if words else line
        words = f"{words} {row.strip()}".strip()
    if words:
        yield start, words


def cited_in(place: str, passage: str, default: str = BOOK) -> Iterator[Citation]:
    """Yield what a paragraph cites.

    A citation belongs to the author named last before it in the same sentence, else to `default`:
    the author in the heading of a page's section, else the book's.  A sentence that begins with
    "Source:" cites papers, and so does what follows "et al." or "the paper's".
    """
    passage = re.sub(r"`[^`]*`", "`", passage)
    for sentence in re.split(r"(?<!\beq)(?<!\beqs)(?<!\bal)(?<=\.)\s+(?=[A-Z*`])", passage):
        if sentence.startswith("Source:"):
            continue
        author = default
        for match in TOKEN.finditer(sentence):
            if match["paper"]:
                break
            if match["author"]:
                author = BOOK if match["author"].lower() == "book" else match["author"]
            elif match["title"]:
                yield Citation(place, author, "title", match["title"])
                if match["chapter"]:
                    name = f"{match['title']} in {match['chapter']}"
                    yield Citation(place, author, "chapter", name)
            else:
                kind = match["kind"].lower().rstrip("s.")
                kind = "equation" if kind == "eq" else kind
                for number in re.findall(NUMBER, match["numbers"]):
                    yield Citation(place, author, kind, number)


def occurs(citation: Citation, texts: dict[str, Text]) -> bool:
    """Return whether the text has what the citation names."""
    text = texts[citation.author]
    if citation.kind == "chapter":
        return tuple(citation.name.rsplit(" in ", 1)) in text.chapters
    if citation.kind == "title":
        return citation.name in text.titles
    return citation.name in text.numbers[citation.kind]


REGISTER = ROOT / "docs" / "register.csv"
COLUMNS = ["text", "section", "kind", "number", "words", "cover", "reason"]
"""The columns of the register.

text and section: Where it stands; "ours" and nothing for what is in none of the texts.
kind: One of KINDS.
number: Its number; of a listing, its place in the section.
words: What it is, in our words; of a claim, the claim's text.
cover: The files that cover it, each with the key of a figure where there is one.
reason: Why no file covers it.
"""

KINDS = {
    "claim": "a printed number or statement that is a claim of a script",
    "exercise": "a question that the text asks its reader",
    "figure": "a figure",
    "formula": "a formula",
    "listing": "a block of code",
    "number": "a printed number or statement that is covered in another way",
    "table": "a table",
}
"""The kinds of rows in the register, and what they are."""


def read_register(path: Path = REGISTER) -> list[dict[str, str]]:
    """Return the rows of the register."""
    with path.open(encoding="utf-8", newline="") as file:
        return [*csv.DictReader(file)]


def errors_of_register(rows: list[dict[str, str]], texts: dict[str, Text]) -> list[str]:
    """Return what the register says of the texts and they do not have, and what it lacks."""
    errors, there = [], set()
    for row in rows:
        text = texts.get(row["text"])
        if text is None:
            continue
        kind, number = row["kind"], row["number"]
        there.add((row["text"], kind, row["section"] if kind == "listing" else "", number))
        name = f"{row['text']}, {row['section']}, {kind} {number}"
        if row["section"] not in text.titles:
            errors.append(f"register: no section of that title: {name}")
        known = text.numbers.get("equation" if kind == "formula" else kind, set())
        if kind == "listing":
            known = {str(i + 1) for i in range(text.listings[row["section"]])}
        if number and kind in ("figure", "formula", "listing", "table") and number not in known:
            errors.append(f"register: no {kind} of that number: {name}")
    for author, text in texts.items():
        wanted = [(kind, "", n) for kind in ("figure", "table") for n in text.numbers[kind]]
        wanted += [("formula", "", n) for n in text.numbers["equation"]]
        for section, count in text.listings.items():
            wanted += [("listing", section, str(i + 1)) for i in range(count)]
        for kind, section, number in sorted(wanted):
            if (author, kind, section, number) not in there:
                errors.append(f"register: {author} has {kind} {number} {section}".strip())
    return errors


def wrong(root: Path, texts: dict[str, Text]) -> list[str]:
    """Return a line for each citation of a project that does not occur in its text."""
    return [str(citation) for citation in citations(root) if not occurs(citation, texts)]


def main() -> int:
    """Print what is wrong, and return the exit status."""
    folder = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("DLBASICS_TEXTS", "")
    if not Path(folder).is_dir() or not folder:
        print("Name the folder of the texts: python -m tests.citations FOLDER")
        return 2
    texts = read_texts(Path(folder))
    lines = wrong(ROOT, texts) + errors_of_register(read_register(), texts)
    print(*lines, sep="\n", end="\n" if lines else "")
    print(f"{len(citations(ROOT))} citations, {len(lines)} errors")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
