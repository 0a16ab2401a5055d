"""One style sheet and one script for a page, fonts cut to the characters that the book uses."""

from __future__ import annotations

import hashlib
import html
import re
from pathlib import Path

from sphinx.util import logging

LOG = logging.getLogger(__name__)
IMPORT = re.compile(r'@import\s*(?:url\()?"([^":]+\.css)"\)?;')
ICON = re.compile(r"((?:\.fa-[a-z0-9-]+(?::{1,2}before)?,?)+)\{(?:--fa|content):[^}]*\}")
OTHER_FONTS = re.compile(
    r"@font-face\s*\{[^}]*font-family:\s*[\"']?(?:Font ?Awesome 5|FontAwesome)\b[^}]*\}", re.I
)

# the theme measures every box at the start, which lays out all that is not yet seen; js/gm.js does it later
MEASURES = re.compile(r"""document\.querySelectorAll\(\["pre"[^\]]*\]\.join\(", "\)\)\.forEach\(""")


def styles(out: Path, sheets: list[Path], text: str) -> str:
    """Write the sheets as one, without what `text` (all pages and scripts) cannot use. Returns its name."""
    css = "\n".join(_sheet(out, path) for path in sheets)
    css = re.sub(r"/\*.*?\*/", "", css, flags=re.S)
    css = re.sub(r"\n\s*", "\n", css)
    icons = set(re.findall(r"fa-([a-z0-9-]+)", text))
    css = ICON.sub(lambda m: m[0] if icons & set(re.findall(r"fa-([a-z0-9-]+)", m[1])) else "", css)
    words = set(re.findall(r"[A-Za-z_][\w-]*", text))
    return _save(out, needed(OTHER_FONTS.sub("", css), words), "css")


def needed(css: str, words: set[str]) -> str:
    """The sheet without rules whose every selector asks for a class that is in none of `words`."""
    out, at = [], 0
    while (brace := css.find("{", at)) >= 0:
        head = css[at:brace].strip()
        end, depth = brace + 1, 1
        while depth and end < len(css):
            depth += {"{": 1, "}": -1}.get(css[end], 0)
            end += 1
        body = css[brace + 1 : end - 1]
        head = _statements(head, out)
        if head.startswith(("@media", "@supports", "@layer", "@container")):
            inner = needed(body, words)
            out.append(f"{head}{{{inner}}}" if inner else "")
        elif head.startswith("@") or any(_wanted(part, words) for part in _parts(head)):
            out.append(f"{head}{{{body.strip()}}}")
        at = end
    return "\n".join(piece for piece in out if piece)


def _statements(head: str, out: list[str]) -> str:
    """Put what ends in a semicolon (`@charset`, `@layer`) into `out`; the rest is the selector."""
    *done, head = head.split(";")
    out += [f"{piece.strip()};" for piece in done if piece.strip()]
    return head.strip()


def _parts(head: str) -> list[str]:
    """The selectors of a list, cut at the commas outside brackets."""
    parts, depth, start = [], 0, 0
    for i, c in enumerate(head):
        depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(c, 0)
        if c == "," and not depth:
            parts.append(head[start:i])
            start = i + 1
    return [*parts, head[start:]]


def _wanted(selector: str, words: set[str]) -> bool:
    plain = selector
    while re.search(r"\([^()]*\)", plain):  # what is in brackets may be an alternative, or a negation
        plain = re.sub(r"\([^()]*\)", "", plain)
    return all(name in words for name in re.findall(r"\.(-?[A-Za-z_][\w-]*)", plain))


def _sheet(out: Path, path: Path) -> str:
    """A sheet with what it imports in it, and its addresses relative to `_static/`."""
    text = re.sub(r"/\*.*?\*/", "", path.read_text(encoding="utf8"), flags=re.S)
    text = IMPORT.sub(lambda m: (path.parent / m[1]).resolve().read_text(encoding="utf8"), text)

    def address(found: re.Match[str]) -> str:
        ref = found[1].strip("'\" ")
        if re.match(r"(data:|https?:|#|/)", ref):
            return found[0]
        target = (path.parent / re.split(r"[?#]", ref)[0]).resolve()
        return f"url({target.relative_to((out / '_static').resolve()).as_posix()})"

    return re.sub(r"url\(([^)]+)\)", address, text)


def scripts(out: Path, files: list[Path]) -> str:
    """Write the scripts as one, in their order. Returns its name."""
    parts = [re.sub(r"(?m)^//# sourceMappingURL=.*$", "", f.read_text(encoding="utf8")) for f in files]
    return _save(out, MEASURES.sub("[].forEach(", ";\n".join(parts)), "js")


def _save(out: Path, text: str, end: str) -> str:
    name = f"site.{hashlib.sha256(text.encode()).hexdigest()[:10]}.{end}"
    (out / "_static" / name).write_text(text, encoding="utf8")
    return name


def cut_fonts(out: Path, text: str) -> None:
    """Cut the formulas' and the icons' fonts down to the characters in `text` (all pages) and the sheets."""
    try:
        from fontTools import subset  # noqa: F401
    except ImportError:
        LOG.info("fonts: no fontTools, they stay whole")
        return
    shown = {ord(c) for c in html.unescape(text)} | set(range(0x20, 0x7F))
    css = "".join(f.read_text(encoding="utf8") for f in (out / "_static").glob("site.*.css"))
    icons = {int(c, 16) for c in re.findall(r"\\(f[0-9a-f]{3})\b", css)} | {
        ord(c) for c in css if c >= "\ue000"
    }
    saved = 0
    for font in (out / "_static" / "katex" / "fonts").glob("*.woff2"):
        saved += _cut(font, shown)
    for font in (out / "_static" / "vendor" / "fontawesome" / "webfonts").glob("*.woff2"):
        saved += _cut(font, icons)
    LOG.info("fonts: %d kB less", saved // 1000)


def _cut(font: Path, keep: set[int]) -> int:
    from fontTools import subset

    before = font.stat().st_size
    options = subset.Options(flavor="woff2", notdef_outline=True, ignore_missing_unicodes=True)
    face = subset.load_font(str(font), options)
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=keep)
    cutter.subset(face)
    subset.save_font(face, str(font), options)
    return before - font.stat().st_size
