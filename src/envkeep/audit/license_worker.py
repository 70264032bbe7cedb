"""Judge license expressions; run by the interpreter of the environment that audits.

Reads ``{"expressions": [...], "patterns": [...]}`` and prints a list of those expressions in which
there is no choice but a license that a pattern means.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Any

from license_expression import (  # type: ignore[import-not-found]
    AND,
    OR,
    ExpressionError,
    get_spdx_licensing,
)


def is_refused(node: Any, patterns: Sequence[str]) -> bool:
    """Tell whether a part of an expression leaves no choice but an unwanted license."""
    if isinstance(node, OR):
        return all(is_refused(each, patterns) for each in node.args)
    if isinstance(node, AND):
        return any(is_refused(each, patterns) for each in node.args)
    name = node.render().lower()
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def judge(expression: str, patterns: Sequence[str]) -> bool:
    """Tell whether an expression is refused; what cannot be read is, as it names what is denied."""
    try:
        return is_refused(get_spdx_licensing().parse(expression), patterns)
    except ExpressionError:
        return True


if __name__ == "__main__":
    given = json.load(sys.stdin)
    print(json.dumps([each for each in given["expressions"] if judge(each, given["patterns"])]))
