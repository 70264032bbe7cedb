"""What pip-compile, pip and uv said as they failed (recorded), and what is read in it."""

from __future__ import annotations

import pytest

from envkeep.locks import resolver_output
from envkeep.locks.resolver_output import BadLine, FailedBuild

UV = "error: No solution found when resolving dependencies\n  cause: Because "
PIP = "  ERROR: Could not find a version that satisfies the requirement "


@pytest.mark.parametrize(
    ("said", "subjects"),
    [
        (
            UV + "panda-s was not found in the package registry and you require panda-s, we can "
            "conclude that your requirements are unsatisfiable.",
            [("panda-s", "")],
        ),
        (PIP + "panda-s (from versions: none)\n", [("panda-s", "")]),
        (
            UV + "there is no version of tomli-w==99.1 and you require tomli-w==99.1, we can\n"
            "         conclude that your requirements are unsatisfiable.",
            [("tomli-w", "99.1")],
        ),
        (
            UV + "only tomli-w<=1.2.0 is available and you require tomli-w>=99, we can conclude "
            "that your requirements are unsatisfiable.",
            [("tomli-w", "")],
        ),
        (
            PIP + "tomli-w==99.1 (from versions: 0.1.0, 1.1.0, 1.2.0)\n",
            [("tomli-w", "99.1")],
        ),
        (
            UV + "tensorflow==2.11.0 has no wheels with a matching Python ABI tag (e.g., `cp311`) "
            "and you require tensorflow==2.11.0, we can conclude that your requirements are "
            "unsatisfiable.\n\nhint: You require CPython 3.11 (`cp311`), but we only found wheels "
            "for `tensorflow` (v2.11.0) with the following Python ABI tags: `cp37m`, `cp38`",
            [("tensorflow", "2.11.0")],
        ),
        (
            UV + "the requested Python version (>=3.11.7) does not satisfy Python>=3.12 and "
            "numpy==2.5.5 depends on Python>=3.12, we can conclude that numpy==2.5.5 cannot be "
            "used.",
            [("numpy", "2.5.5")],
        ),
        (
            UV + "rich==9.8.2 depends on typing-extensions>=3.7.4,<4.0.0 and "
            "typing-extensions==4.16.0, we can conclude that rich==9.8.2 cannot be used.\n"
            "         And because only rich==9.8.2 is available and you require rich, we can "
            "conclude that your requirements are unsatisfiable.",
            [],
        ),
        (
            UV + "you require urllib3<2 and urllib3==2.0.5, we can conclude that your requirements "
            "are unsatisfiable.",
            [],
        ),
    ],
)
def test_which_package_was_not_to_be_had(said: str, subjects: list[tuple[str, str]]) -> None:
    assert resolver_output.subjects(said) == subjects
    assert resolver_output.is_missing(said) == ("panda-s" in said)


UV_BUILD = """\
error: Failed to build `pycocotools==2.0.0`
  cause: The build backend returned an error
  cause: Call to `setuptools.build_meta:__legacy__.get_requires_for_build_wheel` failed (exit 1)

         [stderr]
         Traceback (most recent call last):
           File "<string>", line 14, in <module>
           File "<string>", line 2, in <module>
         ModuleNotFoundError: No module named 'Cython'

hint: This error likely indicates that `pycocotools@2.0.0` depends on `Cython`, but doesn't declare
or `uv pip install Cython` into the environment and re-run with `--no-build-isolation`.
"""
PIP_BUILD = """\
  Collecting pycocotools==2.0.0 (from -r requirements/20-train.in (line 1))
    Downloading pycocotools-2.0.0.tar.gz (1.5 MB)
    error: subprocess-exited-with-error
    │ exit code: 1
    ╰─> [21 lines of output]
        Traceback (most recent call last):
          File "<string>", line 2, in <module>
        ModuleNotFoundError: No module named 'Cython'
        [end of output]

    note: This error originates from a subprocess, and is likely not a problem with pip.
Traceback (most recent call last):
pip._internal.exceptions.FailedToPrepareCandidate: Failed to build 'pycocotools' when getting \
requirements to build wheel
"""
UV_WORDS = """\
error: Failed to build `sklearn==0.0.post12`
  cause: The build backend returned an error

         [stderr]
         The 'sklearn' package is deprecated, use 'scikit-learn'
         rather than 'sklearn' for pip commands.

         Here is how to fix this error in the main use cases:

hint: `sklearn` is often confused for `scikit-learn`. Did you mean to install `scikit-learn`?
"""
UV_TOOLS = """\
   Building numpy==1.21.6
error: Failed to download and build `numpy==1.21.6`
  cause: Failed to resolve requirements from `build-system.requires`
  cause: No solution found when resolving: `setuptools==59.2.0`, `wheel==0.37.0`, `cython<3.0`
  cause: Because you require wheel==0.37.0 and wheel==0.48.0, we can conclude that your requirements
         are unsatisfiable.
"""


@pytest.mark.parametrize(
    ("said", "built"),
    [
        (
            UV_BUILD,
            FailedBuild("pycocotools", "2.0.0", "ModuleNotFoundError: No module named 'Cython'"),
        ),
        (
            PIP_BUILD,
            FailedBuild("pycocotools", "2.0.0", "ModuleNotFoundError: No module named 'Cython'"),
        ),
        (
            UV_WORDS,
            FailedBuild(
                "sklearn",
                "0.0.post12",
                "The 'sklearn' package is deprecated, use 'scikit-learn' rather than 'sklearn' for "
                "pip commands.",
            ),
        ),
        (UV_TOOLS, FailedBuild("numpy", "1.21.6", "", "wheel==0.37.0", "wheel==0.48.0")),
        (UV + "you require a<2 and a==2, we can conclude that", None),
    ],
    ids=["uv", "pip", "words", "tools", "none"],
)
def test_which_build_failed(said: str, built: FailedBuild | None) -> None:
    assert resolver_output.failed_build(said) == built


@pytest.mark.parametrize(
    ("said", "line"),
    [
        (
            "error: Couldn't parse requirement in `requirements/20-train.in` at position 26\n"
            '  cause: no such comparison operator "=", must be one of ~= == != <= >= < > ===\n'
            "         numpy=2.4.6\n"
            "              ^^^^^^\n",
            BadLine(
                "numpy=2.4.6",
                why='no such comparison operator "=", must be one of ~= == != <= >= < > ===',
            ),
        ),
        (
            "pip._internal.exceptions._base.InstallationError: Invalid requirement: 'numpy=2.4.6': "
            "Expected semicolon (after name with no version specifier) or end\n"
            "    numpy=2.4.6\n"
            "         ^ (from line 4 of requirements/20-train.in)\n",
            BadLine(
                "numpy=2.4.6",
                "numpy=2.4.6",
                "Expected semicolon (after name with no version specifier) or end",
            ),
        ),
        (
            "InstallationError: Invalid requirement: 'rich': Expected a marker variable or quoted "
            'string\n    python_versio < "3"\n    ^',
            BadLine("rich", 'python_versio < "3"', "Expected a marker variable or quoted string"),
        ),
        ("RequirementsFileParseError: Invalid requirement: -x foo\n", BadLine("-x foo")),
        (UV_BUILD, None),
    ],
)
def test_which_line_cannot_be_read(said: str, line: BadLine | None) -> None:
    assert resolver_output.bad_line(said) == line


@pytest.mark.parametrize(
    ("said", "twice"),
    [
        (
            UV + "you require requests==2.32.1 and requests==2.34.2, we can conclude that your "
            "requirements are unsatisfiable.",
            ("requests", "==2.32.1", "==2.34.2"),
        ),
        (
            UV + "you require scipy==1.7.3 and scipy{python_full_version < '3.12'}==1.17.1, we can "
            "conclude that your requirements are unsatisfiable.",
            ("scipy", "==1.7.3", "==1.17.1"),
        ),
        (
            "  The conflict is caused by:\n      The user requested requests[socks]==2.32.1\n"
            "      The user requested (constraint) requests==2.34.2\n",
            ("requests", "==2.32.1", "==2.34.2"),
        ),
        (UV_TOOLS.replace("wheel==0.48.0, we", "wheels==1, we"), None),
    ],
)
def test_of_which_package_two_versions_are_required(
    said: str, twice: tuple[str, str, str] | None
) -> None:
    assert resolver_output.asked_twice(said) == twice


def test_who_asks_for_a_package() -> None:
    said = UV + "demo==1.0 depends on nothing-such and nothing-such was not found in the registry"
    assert resolver_output.parent_of("nothing-such", said) == "demo==1.0"
    assert resolver_output.parent_of("other", said) == ""
