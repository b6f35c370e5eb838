"""Makes one HTML file of a page of results, with the pictures in it and its contents beside it."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Sequence
from pathlib import Path

__all__ = ["html_page"]

# A table or a command that is wider than its column is moved within it: the page itself is never wider than the screen.
_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; margin: 0; padding: 0 1em; color: #222; overflow-wrap: anywhere; }
main { max-width: 60em; min-width: 0; }
nav { font-size: 85%; max-height: 14em; overflow-y: auto; margin-top: 1em; padding: .5em 1em; background: #f4f4f4; }
nav b { display: block; margin-top: .6em; }
nav a { display: block; color: inherit; text-decoration: none; padding: .15em 0; }
nav a:hover { text-decoration: underline; }
table { border-collapse: collapse; font-size: 85%; display: block; overflow-x: auto; overflow-wrap: normal; }
th, td { padding: .2em .6em; border-bottom: 1px solid #ddd; text-align: left; font-variant-numeric: tabular-nums; }
td:first-child:not(:has(a)) { white-space: nowrap; }
h2 { margin-top: 2.5em; border-top: 2px solid #222; padding-top: .5em; line-height: 1.25; }
img { max-width: 100%; }
pre { background: #f4f4f4; padding: .6em; overflow-x: auto; overflow-wrap: normal; }
summary { cursor: pointer; font-weight: bold; }
details { margin: 1em 0; padding: .5em 1em; background: #fafafa; border-left: 3px solid #ddd; }
@media (min-width: 70em) {
  body { display: grid; grid-template-columns: 16em minmax(0, 60em); gap: 2em; }
  nav { position: sticky; top: 0; max-height: 100vh; box-sizing: border-box; margin: 0; }
}
"""


def html_page(text: str, directory: Path, contents: Sequence[tuple[str, str, str]]) -> str:
    """Returns the page as one HTML file.

    Args:
        text: the page in Markdown.
        directory: where its pictures are.
        contents: ``(group, title, anchor)`` of each section.
    """
    from markdown_it import MarkdownIt

    body = MarkdownIt("commonmark", {"html": True}).enable("table").render(text)

    def embedded(match: re.Match[str]) -> str:
        data = base64.b64encode((directory / html.unescape(match[1])).read_bytes()).decode()
        return f'src="data:image/png;base64,{data}"'

    body = re.sub(r'src="([^":]+\.png)"', embedded, body)
    body = body.replace(" (×", "&nbsp;(×").replace(" ✗)", "&nbsp;✗)")  # a figure and its ratio stay on one line
    title = text.splitlines()[0].removeprefix("# ")
    head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    head += f"<title>{html.escape(title)}</title><style>{_STYLE}</style>"
    return (
        f'<!doctype html>\n<html lang="en"><head>{head}</head>\n'
        f"<body>\n<nav>\n{_contents(contents)}\n</nav>\n<main>\n{body}</main></body></html>\n"
    )


def _contents(contents: Sequence[tuple[str, str, str]]) -> str:
    lines, last = ["<b>Contents</b>"], ""
    for group, title, anchor in contents:
        if group != last:
            lines.append(f"<b>{html.escape(group)}</b>")
        lines.append(f'<a href="#{anchor}">{html.escape(title)}</a>')
        last = group
    return "\n".join(lines)
