"""A pin of the stack that an older override contradicts is named, with the line that fixes it."""

from __future__ import annotations

import pytest

from envkeep.locks.overrides import loosened
from envkeep.project.requirements import Line

PIP = """\
ERROR: Cannot install numpy, onnx and transformers[sentencepiece]==4.44.2 because these conflict.
      The user requested numpy
      transformers[sentencepiece] 4.44.2 depends on numpy>=1.17
      onnx 1.23.2 depends on numpy>=1.23.2
      ml-dtypes 0.6.0 depends on numpy>=2.0.0
      The user requested (constraint) numpy==1.26.4
"""
UV = """\
  cause: Because ml-dtypes>=0.6.0 depends on numpy>=2.0.0 and onnx>=1.23.2 depends on
         ml-dtypes==0.6.0, we can conclude that onnx>=1.23.2 depends on numpy>=2.0.0.
"""
PINS = [
    Line("ml-dtypes", "ml-dtypes==0.6.0"),
    Line("onnx", "onnx==1.23.2 ; python_version < '3.14'"),
]
HUGGING_FACE = {"huggingface-hub": "2.4.0", "tokenizers": "0.23.3"}
NUMPY = Line("numpy", "numpy==1.26.4")


def test_pips_reason_names_the_pin_that_is_too_new() -> None:
    assert loosened(PIP, PINS, [NUMPY]) == ["ml-dtypes<0.6.0"]


def test_uvs_reason_names_it_and_not_what_follows() -> None:
    assert loosened(UV, PINS, [NUMPY]) == ["ml-dtypes<0.6.0"]


@pytest.mark.parametrize(
    ("said", "line"),
    [
        (
            "transformers[sentencepiece] 4.44.2 depends on huggingface-hub<1.0 and >=0.23.2\n"
            "The user requested (constraint) huggingface-hub==2.4.0",
            "huggingface-hub<1.0",
        ),
        (
            "Because transformers==4.44.2 depends on tokenizers>=0.19,<0.20 and\n"
            "tokenizers==0.23.3, we can conclude that transformers==4.44.2 cannot be used.",
            "tokenizers<0.20",
        ),
    ],
    ids=["pip", "uv"],
)
def test_a_pin_that_is_newer_than_an_override_admits_is_named(said: str, line: str) -> None:
    pins = [Line(name, f"{name}=={version}") for name, version in HUGGING_FACE.items()]
    assert loosened(said, pins, [Line("transformers", "transformers==4.44.2")]) == [line]
    assert loosened(said, pins, []) == []


@pytest.mark.parametrize(
    ("said", "pins", "override", "line"),
    [
        (PIP, PINS, "numpy<2", "ml-dtypes<0.6.0"),
        (PIP, PINS, "numpy>=1.26,<2.0.0", "ml-dtypes<0.6.0"),
        (
            "Because onnx>=1.23.2 depends on numpy{python_full_version < '3.15'}>=2.1 and "
            "numpy{python_full_version < '3.15'}==1.26.4, we can conclude that",
            PINS,
            "numpy==1.26.4",
            "onnx<1.23.2",
        ),
        (
            "Because pydantic==2.5.0 depends on pydantic-core==2.14.1 and\n"
            "pydantic-core==2.51.0, we can conclude that pydantic==2.5.0 cannot be used.",
            [Line("pydantic-core", "pydantic-core==2.51.0")],
            "pydantic==2.5.0",
            "pydantic-core<=2.14.1",
        ),
        (
            "pydantic 2.5.0 depends on pydantic-core==2.14.1\n",
            [Line("pydantic-core", "pydantic-core==2.51.0")],
            "pydantic<2.6",
            "pydantic-core<=2.14.1",
        ),
        (
            "pydantic 2.13.0 depends on pydantic-core==2.51.0\n",
            [Line("pydantic", "pydantic==2.13.0")],
            "pydantic-core==2.14.1",
            "pydantic<2.13.0",
        ),
    ],
)
def test_ranges_and_exact_needs_count_too(
    said: str, pins: list[Line], override: str, line: str
) -> None:
    name = override.partition("<")[0].partition("=")[0].partition(">")[0]
    assert loosened(said, pins, [Line(name, override)]) == [line]


@pytest.mark.parametrize(
    ("pins", "overrides"),
    [
        (PINS, []),
        (PINS, [Line("numpy", "numpy==2.3.5")]),
        (PINS, [Line("numpy", "numpy<2.1")]),
        (PINS, [Line("numpy", "numpy>=1.26")]),
        ([Line("ml-dtypes", "ml-dtypes==0.5.0")], [NUMPY]),
    ],
)
def test_other_conflicts_are_left_to_the_resolvers_words(
    pins: list[Line], overrides: list[Line]
) -> None:
    assert loosened(PIP, pins, overrides) == []
