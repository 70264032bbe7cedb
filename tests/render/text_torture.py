"""Texts that break files in which they are not quoted as that file's format wants it."""

from __future__ import annotations

TEXTS = {
    "double-quotes": 'A "quick" tool',
    "single-quotes": "It's the team's tool",
    "both-quotes": """He said: "it's 'fine'".""",
    "triple-quotes": "''' and \"\"\"",
    "jinja-expression": "{{ 7 * 7 }} {{ project_name }}",
    "jinja-statement": "{% if true %}yes{% endif %} {% raw %}",
    "jinja-comment": "{# gone? #}",
    "workflow-expression": "${{ secrets.TOKEN }}",
    "shell-substitution": "$(touch pwned) `touch pwned` $HOME ; touch pwned",
    "windows-path": r"C:\new\table\u0041",
    "backslash-at-the-end": "ends with \\",
    "number-sign": "# not a comment # really",
    "colon": "key: value: more",
    "list-item": "- item",
    "yes": "yes",
    "number": "1.10",
    "null": "null",
    "yaml-signs": "!tag &anchor *alias [a, b] {c: d} | > @ %",
    "percent": "100 % %(asctime)s %s",
    "markup": "<script>alert(1)</script> & --> <!-- ]]>",
    "spaces-around": "  spaces around  ",
    "emoji": "rocket 🚀, family 👩‍👩‍👧, flag 🇺🇳",
    "right-to-left": "مشروع ذكاء اصطناعي עברית \u202eevil\u202c",
    "accents": "naïve Größe e\u0301 ﬁ",
    "three-hundred": "long " * 60,
}
"""Allowed in every free-text answer, and equal when read back."""

REFUSED = {
    "newline": "a\nb",
    "newline-at-the-end": "a\n",
    "carriage-return": "a\rb",
    "tab": "a\tb",
    "null-byte": "a\0b",
    "escape": "a\x1b[31mb",
    "delete": "a\x7fb",
    "next-line": "a\x85b",
    "line-separator": "a\u2028b",
    "paragraph-separator": "a\u2029b",
}
"""Line breaks and control characters: refused in every free-text answer."""

FREE_TEXT = ("project_name", "project_description", "author_name", "torch_index")


def answers_for(text: str) -> dict[str, str]:
    """Return a text as every free-text answer; an index must begin like a path."""
    return {name: text for name in FREE_TEXT} | {"torch_index": f"/{text}"[:300]}
