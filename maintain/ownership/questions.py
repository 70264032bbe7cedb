"""Render the hidden questions that follow from ownership/conditions.yml."""

from __future__ import annotations

from collections.abc import Iterator

from maintain.ownership.table import ALWAYS, Condition, Table

FLAGS_INTRODUCTION = """\
# Made by scripts/ownership.py from ownership/*.yml; do not edit.

# What the answers mean for files and packages, computed once (ownership/conditions.yml).
flags:
  type: json
  when: false
  default: |
"""
BROUGHT_INTRODUCTION = """\

# Whether a copy or an update has brought the files of a condition that are yours; stored as long as
# the condition holds. They come after the flags, which therefore know what was so before this run:
# with that an update brings such files once and leaves them alone afterwards.
"""
OVERLAYS_INTRODUCTION = """\

# Which folders at the top of template/ a project takes: `{{pytorch}}/src/..` becomes src/.. where
# this says `.`, and is left out where it says nothing. Each is a whole: sources, tests, settings
# and data of one choice.
"""


def render_questions(table: Table) -> str:
    """Return the questions ``flags``, ``brought_*`` and one for every overlay."""
    flags = "".join(f"    {line}\n" for line in _flags(table))
    brought = "".join(f"{line}\n" for line in _brought(table))
    overlays = "".join(f"{line}\n" for line in _overlays(table))
    return (
        f"{FLAGS_INTRODUCTION}{flags}{BROUGHT_INTRODUCTION}{brought}"
        f"{OVERLAYS_INTRODUCTION}{overlays}"
    )


def _flags(table: Table) -> Iterator[str]:
    for name, row in table.stored.items():
        yield f"{{% set had_{name} = {_had(name, row)} %}}"
    yield "{{ {"
    yield f"'{ALWAYS}': true,"
    for row in table.conditions:
        yield f"'{row.flag}': {row.test},"
    for name in table.stored:
        yield f"'had_{name}': had_{name},"
    yield "} | to_json }}"


def _had(name: str, row: Condition) -> str:
    return row.had or f"brought_{name} | default(false)"


def _brought(table: Table) -> Iterator[str]:
    for name, row in table.stored.items():
        when = f"{{{{ flags.{row.flag} }}}}"
        yield f'brought_{name}: {{type: bool, ask: false, when: "{when}", default: true}}'


def _overlays(table: Table) -> Iterator[str]:
    for row in table.conditions:
        if row.overlay:
            folder = f"{{{{ '.' if flags.{row.flag} else '' }}}}"
            yield f'{row.overlay}: {{type: str, when: false, default: "{folder}"}}'
