"""Links to source files and folders lead to pages that show them.

A link such as `../dlbasics/columns.py` opens the file on GitHub.  In the handbook it leads to a
page with the lines of the file, and a link to a folder to the list of its files; other files, such
as a table or a notebook, are downloads.  The links [source] of the API lead to the same pages.
"""

import inspect
import posixpath
import re
from collections.abc import Iterator
from html import escape
from importlib import import_module
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.util import logging

LOGGER = logging.getLogger(__name__)

LEXERS = {".py": "python", ".pyi": "python", ".toml": "toml"}
"""The kinds of files that get a page, and how their lines are highlighted."""

PLACE = "source"
"""The folder of the pages."""


PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{name} - dlbasics</title>
<link rel="stylesheet" href="{up}_static/pygments.css">
<link rel="stylesheet" href="{up}_static/styles/furo.css">
<link rel="stylesheet" href="{up}_static/handbook.css">
</head>
<body class="source">
<script>document.body.dataset.theme = localStorage.getItem("theme") || "auto";</script>
<p><a href="{start}">dlbasics</a></p>
<h1><code>{name}</code></h1>
{body}
</body>
</html>
"""


def page_of(path: str) -> str:
    """Return the name of the page that shows a file or folder of the project."""
    return f"{PLACE}/{path}".rstrip("/")


def follow_links(app: Sphinx, doctree: nodes.document) -> None:
    """Turn the links of a page to files and folders into links to their pages."""
    docname = app.env.docname
    shown = app.env.handbook_sources.setdefault(docname, set())  # type: ignore[attr-defined]
    shown.clear()
    for kind in (addnodes.download_reference, addnodes.pending_xref):
        for link in [*doctree.findall(kind)]:
            if link.get("reftype") != "myst" or link.get("refdomain") == "doc":
                continue
            if target := _shown_file(app, docname, link["reftarget"]):
                shown.add(target)
                uri = app.builder.get_relative_uri(docname, page_of(target))
                new = nodes.reference("", "", internal=True, refuri=uri)
                new += link.children
                link.replace_self(new)
    for raw in doctree.findall(nodes.raw):
        text = re.sub(
            r'\b(href|src)="([^"]+)"', lambda match: _in_html(app, docname, match), raw.astext()
        )
        raw.children = [nodes.Text(text)]


def _shown_file(app: Sphinx, docname: str, link: str) -> str | None:
    """Return the file or folder that a link names, from the project's root, if it gets a page."""
    name = link.partition("#")[0]
    if not name or ":" in name:
        return None
    path = Path(app.env.relfn2path(name, docname)[1])
    if path.is_dir() or (path.is_file() and path.suffix in LEXERS):
        return path.relative_to(app.srcdir).as_posix()
    return None


def _in_html(app: Sphinx, docname: str, match: re.Match[str]) -> str:
    """Return what a link or picture of raw HTML is in the handbook."""
    attribute, link = match.groups()
    name, hash_sign, anchor = link.partition("#")
    if not name or ":" in name:
        return match[0]
    relative, absolute = app.env.relfn2path(name, docname)
    uri: str | None = None
    if attribute == "src":
        found = app.env.images.add_file(docname, relative)
        uri = posixpath.relpath(f"_images/{found}", posixpath.dirname(docname) or ".")
        app.env.handbook_pictures[relative] = found  # type: ignore[attr-defined]
    elif target := app.env.path2doc(absolute):
        uri = app.builder.get_relative_uri(docname, target)
    elif target := _shown_file(app, docname, name):
        app.env.handbook_sources[docname].add(target)  # type: ignore[attr-defined]
        uri = app.builder.get_relative_uri(docname, page_of(target))
    if uri is None or not Path(absolute).exists():
        LOGGER.warning("there is no page or picture for %s", link, location=docname)
        return match[0]
    return f'{attribute}="{uri}{hash_sign}{anchor}"'


def collect_pictures(app: Sphinx) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Add the pictures of raw HTML to those that are copied; yield no pages."""
    app.builder.images.update(app.env.handbook_pictures)  # type: ignore[attr-defined]
    yield from ()


def write_pages(app: Sphinx, exception: Exception | None) -> None:
    """Write the pages of all files and folders that links lead to, and of what folders hold.

    These pages are plain: Sphinx would need longer for their navigation than for all other pages.
    """
    if exception:
        return
    waiting = set().union(*app.env.handbook_sources.values())  # type: ignore[attr-defined]
    done: set[str] = set()
    while waiting:
        name = waiting.pop()
        done.add(name)
        path = Path(app.srcdir, name)
        if path.is_dir():
            files = _files(path)
            body = "<ul>\n" + "".join(_item(app, name, each) for each in files) + "</ul>\n"
            found = {f"{name}/{each.name}" for each in files if each.suffix in LEXERS}
            waiting |= found - done
        else:
            body = app.builder.highlighter.highlight_block(  # type: ignore[attr-defined]
                path.read_text(encoding="utf-8"), LEXERS[path.suffix], lineanchors="line"
            )
        up = "../" * page_of(name).count("/")
        start = f"{up}{app.config.root_doc}.html"
        page = Path(app.outdir, f"{page_of(name)}.html")
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(
            PAGE.format(name=escape(name), up=up, start=start, body=body), encoding="utf-8"
        )


def _files(folder: Path) -> list[Path]:
    """Return what a reader may look for in a folder: its files, but no caches."""
    return [path for path in sorted(folder.iterdir()) if path.is_file() and path.name[0] != "."]


def _item(app: Sphinx, folder: str, path: Path) -> str:
    """Return the line of a file in the list of its folder."""
    page = app.env.path2doc(str(path))
    if path.suffix in LEXERS:
        page = page_of(f"{folder}/{path.name}")
    name = f"<code>{escape(path.name)}</code>"
    if page not in app.env.all_docs and path.suffix not in LEXERS:
        return f"<li>{name}</li>\n"
    uri = app.builder.get_relative_uri(page_of(folder), page)
    return f'<li><a href="{uri}">{name}</a></li>\n'


def add_source_links(app: Sphinx, doctree: nodes.document) -> None:
    """Add the link [source] to each name of the API."""
    docname = app.env.docname
    for signature in doctree.findall(addnodes.desc_signature):
        if found := _place_of(app, signature.get("module") or "", signature.get("fullname", "")):
            path, line = found
            app.env.handbook_sources[docname].add(path)  # type: ignore[attr-defined]
            uri = app.builder.get_relative_uri(docname, page_of(path)) + f"#line-{line}"
            text = nodes.inline("", "[source]", classes=["viewcode-link"])
            signature += nodes.reference("", "", text, internal=True, refuri=uri)


def _place_of(app: Sphinx, module: str, name: str) -> tuple[str, int] | None:
    """Return the file and line in which a name is defined."""
    try:
        found: Any = import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
        found = inspect.unwrap(found)
        path = Path(inspect.getsourcefile(found) or "").relative_to(app.srcdir)
        return path.as_posix(), inspect.getsourcelines(found)[1]
    except (AttributeError, TypeError, ValueError, OSError):
        return None  # a number or a property has no source of its own


def begin(app: Sphinx) -> None:
    """Give the environment its lists."""
    if not hasattr(app.env, "handbook_sources"):
        app.env.handbook_sources = {}  # type: ignore[attr-defined]
        app.env.handbook_pictures = {}  # type: ignore[attr-defined]


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect to the events of a build."""
    app.connect("builder-inited", begin)
    app.connect("doctree-read", follow_links, priority=400)  # before downloads are collected
    app.connect("doctree-read", add_source_links)
    app.connect("html-collect-pages", collect_pictures)
    app.connect("build-finished", write_pages)
    return {"parallel_read_safe": False}
