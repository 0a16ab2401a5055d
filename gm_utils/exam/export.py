"""Problems as HTML with MathML, and the files of variants that the site reads. Needs the extra `book`.

Nothing else imports this module: a kernel in which a person practises needs neither KaTeX nor Markdown.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from gm_utils.exam.problem import Problem, Variant
from gm_utils.exam.variants import pack

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "book" / "_static" / "problems"
KATEX = ROOT / "book" / "_ext" / "vendor" / "katex.min.js"
SEEDS = range(20)
WRAPPING = re.compile(r'<span class="katex">|</?semantics>|<annotation.*?</annotation>|</span>', re.S)

LETTER = re.compile(r'<(m[in]) mathvariant="(double-struck|script)">([A-Z])</\1>')
APPLY = re.compile("(</m(?:i|n|style)>)?(<mi>[a-zA-Z]{2,}</mi>)<mo>\u2061</mo>(<mo[^>]*>\\()?")
SIGN = re.compile(r"(<mo[^>]*>[^<)\]]+</mo>(?:<m(?:text|space)[^>]*>[^<]*(?:</mtext>)?)?)<mo>\u2212</mo>")
THIN = '<mspace width="0.17em"/>'
BASE = re.compile(rf"<msub><mrow>(<mi>\w+</mi>){THIN}</mrow>(<m[in]>\w+</m[in]>)</msub>")  # log_2
OUTER = re.compile(r"^(<math[^>]*>)<mrow>(.*)</mrow></math>$", re.S)  # <math> is a row itself


class Renderer:
    """Markdown with $TeX$ to HTML with MathML. A context manager: it holds a JavaScript engine.

    >>> with Renderer() as renderer:
    ...     renderer.html("**Half** of $x$", block=False)
    '<strong>Half</strong> of <math><mi>x</mi></math>'
    """

    def __init__(self, katex: Path = KATEX) -> None:
        from markdown_it import MarkdownIt
        from mdit_py_plugins.dollarmath import dollarmath_plugin
        from py_mini_racer import MiniRacer

        self.engine = MiniRacer()
        self.engine.eval(katex.read_text(encoding="utf8"))
        self.math = lru_cache(maxsize=None)(self._math)
        self.markdown = MarkdownIt("commonmark").enable("table").use(dollarmath_plugin, double_inline=True)
        for name, display in (("math_inline", False), ("math_inline_double", True), ("math_block", True)):
            self.markdown.add_render_rule(name, self._rule(display))

    def __enter__(self) -> Renderer:
        return self

    def __exit__(self, *error: object) -> None:
        self.engine.close()

    def html(self, text: str, *, block: bool = True) -> str:
        """text as paragraphs, or as the inside of one where block is False. Raises ValueError for bad TeX."""
        return self.markdown.render(text).strip() if block else self.markdown.renderInline(text)

    def _rule(self, display: bool):
        return lambda _, tokens, i, options, env: self.math(tokens[i].content.strip(), display)

    def _math(self, tex: str, display: bool) -> str:
        from py_mini_racer import JSEvalException

        options = {"output": "mathml", "displayMode": display, "throwOnError": True, "strict": "ignore"}
        try:
            mathml = self.engine.call("katex.renderToString", tex, options)
        except JSEvalException as error:
            raise ValueError(f"KaTeX cannot draw {tex!r}: {str(error).splitlines()[0]}") from None
        mathml = WRAPPING.sub("", mathml).replace(' xmlns="http://www.w3.org/1998/Math/MathML"', "")
        return _for_browsers(OUTER.sub(r"\1\2</math>", mathml))


def _for_browsers(mathml: str) -> str:
    """MathML as browsers draw it (MathML Core): letters in Unicode, space around log, none after a sign."""

    def letter(found: re.Match[str]) -> str:
        name = f"{found[2].upper()} CAPITAL {found[3]}"
        try:
            return f"<mi>{unicodedata.lookup(f'MATHEMATICAL {name}')}</mi>"
        except KeyError:  # the few that Unicode had before the others
            return f"<mi>{unicodedata.lookup(name)}</mi>"

    def apply(found: re.Match[str]) -> str:
        before, name, bracket = found.groups(default="")
        return (before + THIN if before else "") + name + (bracket or THIN)

    mathml = APPLY.sub(apply, LETTER.sub(letter, mathml))
    mathml = BASE.sub(rf"<msub>\1\2</msub>{THIN}", mathml)
    return SIGN.sub('\\1<mo form="prefix">\u2212</mo>', mathml)


def rendered(variant: Variant, renderer: Renderer) -> dict:
    """A variant as the page takes it: texts as HTML, a diagnosis without a paragraph around it."""
    mistakes = [(_shorter(m.answer), renderer.html(m.diagnosis, block=False)) for m in variant.mistakes]
    return {
        "seed": variant.seed,
        "statement": renderer.html(variant.statement),
        "answer": _shorter(variant.answer),
        "unit": variant.unit,
        "tolerance": {"rel": variant.rel, "abs": variant.abs},
        "hint": renderer.html(variant.hint),
        "solution": renderer.html(variant.solution),
        "mistakes": [{"answer": answer, "diagnosis": diagnosis} for answer, diagnosis in mistakes],
    }


def _shorter(x: float) -> float:
    """x to ten significant digits, so that machines that differ in the last bit write the same file."""
    return float(f"{x:.10g}")


def script(problem: Problem, renderer: Renderer) -> str:
    """The text of a problem's file of variants."""
    variants = [rendered(problem.variant(seed), renderer) for seed in SEEDS]
    head = {"title": problem.title, "lecture": problem.lecture, "objective": problem.objective}
    return pack(problem.id, {**head, "variants": variants})


def stale(problems: Iterable[Problem], *, write: bool, folder: Path = FOLDER) -> list[str]:
    """Names of the files that differ from what their problem says, or have none; `write` puts them right.

    problems: all that the folder is to hold; `write` deletes the files of any other.
    """
    with Renderer() as renderer:
        want = {f"{problem.id}.js": script(problem, renderer) for problem in problems}
    have = {path.name: path.read_text(encoding="utf8") for path in folder.glob("P-*.js")}
    names = sorted(name for name in want | have if want.get(name) != have.get(name))
    for name in names if write else ():
        (folder / name).unlink(missing_ok=True)
        if name in want:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(want[name], encoding="utf8", newline="\n")
    return names
