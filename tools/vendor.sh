#!/usr/bin/env bash
# Fetches what the site hosts itself from the npm registry and cuts the fonts down. Run by hand, the result
# is committed: a build needs neither node nor the network. Needs npm and, in Python, fonttools and brotli.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}
static=$PWD/book/_static
vendor=$PWD/book/_ext/vendor
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

get() { # PACKAGE@VERSION FOLDER
  mkdir -p "$work/$2"
  (cd "$work" && tar xzf "$(npm pack --silent "$1")" -C "$2" --strip-components=1)
}

get katex@0.19.1 katex
get @fontsource-variable/inter@5.3.0 inter
get @fontsource-variable/source-serif-4@5.3.1 serif
get @fontsource-variable/jetbrains-mono@5.3.0 mono

mkdir -p "$static/katex/fonts" "$static/fonts" "$vendor"
cp "$work/katex/dist/katex.min.js" "$vendor/"
cp "$work/katex/LICENSE" "$vendor/katex.LICENSE"
cp "$work/katex/dist/katex.min.css" "$work/katex/LICENSE" "$static/katex/"
cp "$work"/katex/dist/fonts/*.woff2 "$static/katex/fonts/"
# woff2 alone: every browser that the site supports reads it
sed -i -E 's/,url\([^)]*\.woff\) format\("woff"\)//g; s/,url\([^)]*\.ttf\) format\("truetype"\)//g' "$static/katex/katex.min.css"

# the weights that the sheet asks for, and no more of the axis
cut() { # SOURCE TARGET MIN:MAX
  "$python" -m fontTools.varLib.instancer --quiet -o "$work/cut.ttf" "$1" "wght=$3"
  "$python" -m fontTools.subset "$work/cut.ttf" --unicodes='*' --layout-features='kern,liga,calt,ccmp,locl,mark,mkmk,tnum,case' \
    --flavor=woff2 --output-file="$static/fonts/$2.woff2"
}
cut "$work/inter/files/inter-latin-wght-normal.woff2" inter 400:700
cut "$work/serif/files/source-serif-4-latin-wght-normal.woff2" source-serif 400:700
cut "$work/serif/files/source-serif-4-latin-wght-italic.woff2" source-serif-italic 400:700
cut "$work/mono/files/jetbrains-mono-latin-wght-normal.woff2" jetbrains-mono 400:700
cut "$work/mono/files/jetbrains-mono-greek-wght-normal.woff2" jetbrains-mono-greek 400:700
for name in inter serif mono; do cp "$work/$name/LICENSE" "$static/fonts/$name.LICENSE"; done
ls -l "$static/fonts" "$static/katex"
