"""A runbook as one HTML page: works offline and on paper, and loads or runs nothing."""

import base64
import hashlib
import html

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8881; --accent: #b3261e; }
body { font: 16px/1.55 system-ui, sans-serif; max-width: 52rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h1 code { overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; margin-top: 2.2rem; border-bottom: 1px solid var(--line); padding-bottom: .2rem; }
h2#read-first { color: var(--accent); border-color: currentColor; }
code, pre { font: .9em/1.5 ui-monospace, monospace; background: var(--soft); border-radius: 4px; }
code { padding: .1em .3em; overflow-wrap: anywhere; } pre { padding: .8rem 1rem; overflow-x: auto; }
pre code { padding: 0; background: none; overflow-wrap: normal; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .4rem .6rem; border: 1px solid var(--line); }
th { background: var(--soft); } li { margin: .3rem 0; }
@media print {
  body { font-size: 11pt; max-width: none; margin: 0; } h2 { break-after: avoid; }
  table, pre { break-inside: avoid; } pre { white-space: pre-wrap; } a { color: inherit; }
}
"""


def page(title: str, markdown: str, *, kind: str = "Runbook") -> str:
    """The Markdown of a runbook or another `kind` as a self-contained document; HTML in the Markdown stays text."""
    from markdown_it import MarkdownIt  # only needed for a page

    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    parser.disable(["link", "image", "autolink", "html_inline", "html_block", "reference"])
    body = parser.render(markdown).replace("<h2>Read this first</h2>", '<h2 id="read-first">Read this first</h2>', 1)
    style_hash = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{style_hash}'; base-uri 'none'; form-action 'none'"
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="referrer" content="no-referrer">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{html.escape(kind)}: {html.escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n"
        f"<body>\n{body}</body>\n</html>\n"
    )
