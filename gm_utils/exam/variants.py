"""The file of a problem's variants, `book/_static/problems/P-….js`: a script for the page, data for Python.

The variants of a problem differ in their numbers alone, and a formula in MathML is long. So each block
of HTML stands once with its numbers taken out (`words`), and a text is a list of rows: which words, and
the numbers to put in. Twenty variants take about as much room as three written out. Standard library only.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

GAP = "\u25a1"  # stands in the words where a number goes
BLOCK = re.compile(r"(?<=</p>)|(?<=</tr>)|(?<=</mtr>)|(?<=</math>)")
NUMBER = re.compile(r"\d+(?:\.\d+)?")
TEXTS = ("statement", "hint", "solution")

HEAD = """\
// Made by `make problems`; do not edit. A text is rows of [words, number, ...]: gm_utils/exam/variants.py.
((words, problem) => {
  const fill = ([i, ...numbers]) => words[i].replace(/\u25a1/g, () => numbers.shift());
  const html = (rows) => rows.map(fill).join("");
  for (const v of problem.variants) {
    for (const part of ["statement", "hint", "solution"]) v[part] = html(v[part]);
    for (const m of v.mistakes) m.diagnosis = html(m.diagnosis);
  }
  gmProblem("""
MIDDLE = ", problem);\n})("


def pack(id: str, problem: dict) -> str:
    """The text of the script that calls `gmProblem(id, problem)`.

    problem: title, lecture, objective and variants, each with statement, hint, solution (HTML), answer, unit,
    tolerance and mistakes. Raises ValueError where the HTML holds the character that marks a gap.
    """
    if GAP in json.dumps(problem, ensure_ascii=False):
        raise ValueError(f"{id}: the texts hold {GAP}, which marks the place of a number; expected another")
    words: dict[str, int] = {}

    def rows(html: str) -> list[list]:
        blocks = [block for block in BLOCK.split(html) if block]
        return [[words.setdefault(NUMBER.sub(GAP, b), len(words)), *NUMBER.findall(b)] for b in blocks]

    variants = _list(_each_text(variant, rows) for variant in problem["variants"])
    rest = _json({key: value for key, value in problem.items() if key != "variants"})
    return f'{HEAD}"{id}"{MIDDLE}{_list(words)}, {rest[:-1]},"variants":{variants}}});\n'


def unpack(script: str) -> dict:
    """The problem that a script made by `pack` holds, its texts as HTML again. Raises ValueError if none."""
    _, found, data = script.partition(MIDDLE)
    if not found:
        raise ValueError("this is not a file of variants: run `make problems` to write it again")
    words, problem = json.loads(f"[{data.strip().removesuffix(');')}]")

    def html(rows: list[list]) -> str:
        return "".join(_filled(words[i], numbers) for i, *numbers in rows)

    return {**problem, "variants": [_each_text(variant, html) for variant in problem["variants"]]}


def _filled(words: str, numbers: list[str]) -> str:
    parts = words.split(GAP)
    return parts[0] + "".join(n + part for n, part in zip(numbers, parts[1:], strict=True))


def _each_text(variant: dict, change) -> dict:
    mistakes = [{**m, "diagnosis": change(m["diagnosis"])} for m in variant["mistakes"]]
    return {**variant, **{part: change(variant[part]) for part in TEXTS}, "mistakes": mistakes}


def _list(values: Iterable[object]) -> str:
    return "[\n" + ",\n".join(map(_json, values)) + "\n]"


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("</script", "<\\/script")
