"""Formulas as MathML, which browsers draw themselves: the handbook needs no network."""

import re
from typing import Any

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx
from sphinx.util import logging

LOGGER = logging.getLogger(__name__)


def mathml(latex: str, *, block: bool, location: Any = None) -> str:
    """Return a formula as MathML; warn of commands that latex2mathml does not know."""
    html = convert(latex, display="block" if block else "inline")
    if unknown := re.findall(r"\\\w+", html):
        LOGGER.warning("MathML has no %s", ", ".join(unknown), location=location)
    return html


def _inline(translator: Any, node: nodes.math) -> None:
    translator.body.append(mathml(node.astext(), block=False, location=node))
    raise nodes.SkipNode


def _block(translator: Any, node: nodes.math_block) -> None:
    formula = mathml(node.astext(), block=True, location=node)
    translator.body.append(f'<div class="formula">{formula}</div>\n')
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the renderer `mathml`, for `html_math_renderer`."""
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
