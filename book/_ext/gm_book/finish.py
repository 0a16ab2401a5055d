"""The last pass over the written pages: light, sized, named for assistive tools. It changes no words."""

from __future__ import annotations

import re
import struct
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sphinx.application import Sphinx

from gm_book import bundle

FONTS = ("fonts/source-serif", "fonts/inter")  # what the first screen is set in
MATHS = ("katex/fonts/KaTeX_Main-Regular", "katex/fonts/KaTeX_Math-Italic")
SEARCH = ("searchtools.js", "language_data.js", "searchindex.js")
DROP = ("scripts/fontawesome.js", "design-tabs.js", *SEARCH)
OPTIONS = re.compile(
    r"\s*<script>DOCUMENTATION_OPTIONS\.\w+ = [^<]*</script>"
)  # nothing reads them but the search
SCRIPT = re.compile(r'\s*<script\b[^>]*\bsrc="([^"]+)"[^>]*></script>')
SHEET = re.compile(r'\s*<link\b[^>]*rel="stylesheet"[^>]*>')
# a search under file:// cannot read the pages, so it shows their titles
TITLES = "<script>if(location.protocol=='file:')DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY=false</script>"
# a preload of a font is refused under file://, so it is asked for by a line of script
PRELOAD = ("<script>if(location.protocol!='file:')for(const n of {names})document.head.append(Object.assign("
           "document.createElement('link'),{{rel:'preload',as:'font',type:'font/woff2',crossOrigin:'',"
           "href:'{up}_static/'+n+'.woff2'}}))</script>")  # fmt: skip
CODE = re.compile(r'<div class="highlight"><pre>.*?</pre>', re.S)
PLAIN = re.compile(r'<span class="(n|nn|nb|o|p|w|bp)">([^<]*)</span>')  # what code shows in plain ink
NAMES = (  # what axe rejects in the theme's pages
    (re.compile(r'(<button class="btn search-button-field[^>]*?)\s*aria-label="[^"]*"'), r"\1"),
    (re.compile(r'<summary aria-label="Toggle hidden content">'), "<summary>"),
    (re.compile(r'class="sidebar-primary-items__start sidebar-primary__section"(?! role)'),
     'class="sidebar-primary-items__start sidebar-primary__section" role="region" aria-label="Book"'),
    (re.compile(r'\s*<link rel="preload" as="script"[^>]*>'), ""),
    # scrolled by keyboard (js/gm.js)
    (re.compile('(class="pst-scrollable-table-container)"'), r'\1 gm-scroll"'),
    # myst-nb's boxes carry docutils' class, which the theme limits like Bootstrap's container
    (re.compile(r'class="((?:[\w-]+ )*)docutils container'), r'class="\1docutils'),
)  # fmt: skip


def context(app: Sphinx, pagename: str, templatename: str, ctx: dict[str, Any], doctree: Any) -> None:
    """The address where an error on this page is reported, for the foot of every page."""
    repository = app.config.html_theme_options.get("repository_url", "")
    body = f"Page: {pagename}\n\nWhat is wrong, and where (a sentence, a formula, a cell):\n"
    ctx["gm_report"] = (
        f"{repository}/issues/new?title={quote(f'[{pagename}] ')}&body={quote(body)}" if repository else ""
    )


def finish(app: Sphinx, error: Exception | None) -> None:
    """Rewrite every page of a finished build."""
    if error or app.builder.name not in ("html", "singlehtml"):
        return
    out = Path(app.outdir)
    front(app, out)
    pages = [p for p in out.rglob("*.html") if not {"_static", "_sources"} & set(p.relative_to(out).parts)]
    texts = {page: page.read_text(encoding="utf8") for page in pages}
    recall = (out / "_static" / "recall").glob("*.js")
    everything = "\n".join([*texts.values(), *(f.read_text(encoding="utf8") for f in recall)])
    used = everything + "\n".join(f.read_text(encoding="utf8") for f in scripts_of(out))
    prefix = getattr(app.config, "notfound_urls_prefix", None) or "/"
    for page, text in texts.items():
        if "sphinx-book-theme.css" in text:
            page.write_text(_page(out, page, text, used, prefix), encoding="utf8")
    bundle.cut_fonts(out, everything)
    _sitemap(app, out)


def front(app: Sphinx, out: Path) -> None:
    """The landing page itself at the top, where the builder leaves a redirect to it."""
    root = Path(app.config.root_doc + ".html")
    if root.parent == Path() or not (out / root).exists():
        return
    text = (out / root).read_text(encoding="utf8")
    if app.builder.name == "singlehtml":  # its links are relative to the top already, or to itself
        text = text.replace(f'href="{root.as_posix()}#', 'href="#')
        (out / root).unlink()
    else:
        up = root.parent.as_posix() + "/"

        def top(found: re.Match[str]) -> str:
            ref = found[2]
            if not ref or re.match(r"([a-z]+:|#|/)", ref):
                return found[0]
            return f'{found[1]}="{ref[3:] if ref.startswith("../") else up + ref}"'

        base = app.config.html_baseurl
        (out / root).write_text(
            text.replace(f'href="{base}{root.as_posix()}"', f'href="{base}"'), encoding="utf8"
        )
        text = re.sub(r'\b(href|src|action)="([^"]*)"', top, text).replace(
            'data-content_root="../"', 'data-content_root="./"'
        )
        text = text.replace(f'href="{base}{root.as_posix()}"', f'href="{base}"')
    (out / "index.html").write_text(text, encoding="utf8")


def scripts_of(out: Path) -> list[Path]:
    """The scripts of the site, which may give an element a class that no page has yet."""
    static = out / "_static"
    return [f for f in static.rglob("*.js") if f.name not in ("fontawesome.js", "searchindex.js")]


def _page(out: Path, page: Path, text: str, used: str, prefix: str) -> str:
    up = "../" * (len(page.relative_to(out).parts) - 1)
    if page.name == "404.html":
        text = _lost(text, prefix)

    def local(ref: str) -> Path:
        return (page.parent / ref.split("?")[0]).resolve()

    sheets = SHEET.findall(text)
    files = [local(re.search(r'href="([^"]+)"', s)[1]) for s in sheets]
    name = _styles(out, tuple(f for f in files if "sd-" in text or f.name != "sphinx-design.min.css"), used)
    fonts = [*FONTS, *(MATHS if 'class="katex"' in text else ())]
    head = PRELOAD.format(names=fonts, up=up) + f'<link rel="stylesheet" href="{up}_static/{name}">'
    text = text.replace(sheets[0], "\n" + head, 1)
    text = SHEET.sub(lambda m: m[0] if name in m[0] else "", text)
    text = _scripts(out, page, text, up, local)
    text = CODE.sub(lambda m: PLAIN.sub(r"\2", m[0]), text)
    for pattern, new in NAMES:
        text = pattern.sub(new, text)
    return re.sub(r"<img\b[^>]*>", lambda m: _image(m[0], local), text)


def _lost(text: str, prefix: str) -> str:
    """The page for addresses that are not there: shown at any depth, and from a file under its own name."""
    text = re.sub(rf'\b(href|src|action)="{re.escape(prefix)}([^"]*)"', r'\1="\2"', text)
    base = f"""<script>if(location.protocol!='file:'&&!location.pathname.endsWith('/404.html'))
document.head.append(Object.assign(document.createElement('base'),{{href:'{prefix}'}}))</script>"""
    return text.replace("<head>", "<head>" + base, 1)


@cache
def _styles(out: Path, files: tuple[Path, ...], used: str) -> str:
    return bundle.styles(out, list(files), used)


@cache
def _script(out: Path, files: tuple[Path, ...]) -> str:
    return bundle.scripts(out, list(files))


def _scripts(out: Path, page: Path, text: str, up: str, local: Any) -> str:
    """One deferred script in place of many; the search page keeps its own, in order."""
    tags = [m for m in SCRIPT.finditer(text) if not re.match(r"https?:", m[1])]
    if page.name == "search.html":
        for m in tags:
            if "scripts/fontawesome.js" in m[1]:
                text = text.replace(m[0], "", 1)
            elif "documentation_options.js" in m[1]:
                text = text.replace(m[0], m[0] + TITLES, 1)
        return text
    text = OPTIONS.sub("", text)
    files = tuple(local(m[1]) for m in tags if not any(name in m[1] for name in DROP))
    for m in tags:
        text = text.replace(m[0], "", 1)
    return text.replace(
        "</head>", f'<script defer src="{up}_static/{_script(out, files)}"></script>\n</head>', 1
    )


def _image(img: str, local: Any) -> str:
    """An image with its size, decoded off the main thread, loaded when it comes near."""
    ref = re.search(r'\bsrc="([^"]+)"', img)
    if not ref or re.match(r"(data:|https?:)", ref[1]):
        return img
    path = local(ref[1])
    more = ""
    size = image_size(path) if "width=" not in img and path.exists() else None
    if size:
        more += f' width="{size[0]}" height="{size[1]}"'
    if "logo__image" not in img and "loading=" not in img:
        more += ' loading="lazy" decoding="async"'
    return img.replace("<img", "<img" + more, 1)


def image_size(path: Path) -> tuple[int, int] | None:
    """Width and height in CSS px of an SVG or PNG file."""
    if path.suffix == ".svg":
        head = path.read_text(encoding="utf8", errors="ignore")[:2000]
        found = [re.search(rf'<svg[^>]*\s{side}="([\d.]+)(pt|px)?"', head) for side in ("width", "height")]
        if all(found):
            return tuple(round(float(m[1]) * (4 / 3 if m[2] == "pt" else 1)) for m in found)
        box = re.search(r'viewBox="\s*\S+\s+\S+\s+([\d.]+)\s+([\d.]+)', head)
        return (round(float(box[1])), round(float(box[2]))) if box else None
    data = path.read_bytes()[:32]
    return struct.unpack(">II", data[16:24]) if data[:8] == b"\x89PNG\r\n\x1a\n" else None


def _sitemap(app: Sphinx, out: Path) -> None:
    site = out / "sitemap.xml"
    if site.exists() and app.config.html_baseurl:
        text = site.read_text(encoding="utf8")
        first = f"<url><loc>{app.config.html_baseurl}</loc></url>"
        if first not in text:
            site.write_text(re.sub(r"(<urlset[^>]*>)", rf"\1{first}", text, count=1), encoding="utf8")


def sheets(app: Sphinx) -> None:
    """The practice blocks' sheet, where it is there."""
    if (Path(app.srcdir) / "book" / "_static" / "practice.css").exists():
        app.add_css_file("practice.css")


def setup(app: Sphinx) -> None:
    """Register the handlers; the pass runs after all others."""
    app.connect("builder-inited", sheets)
    app.connect("html-page-context", context)
    app.connect("build-finished", finish, priority=900)
