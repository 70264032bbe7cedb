"""Every statement of requirements is read, or named with what to do; none is taken for another's.

The shapes are those of public repositories; the lines are our own.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hooks.adoption.survey import Survey, Wishes, survey
from hooks.errors import HookError
from tests.adopt.repository import of_files

Files = dict[str, str | bytes]


def asked(found: Survey) -> dict[str, str]:
    """Return versions by name of what everybody needs."""
    each = found.findings.once_each()
    return {one.name: str(one.requirement.specifier) or one.exact for one in each}


def left(found: Survey) -> dict[str, str]:
    return dict(found.findings.skipped)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
def test_an_encoding_hides_nothing(encoding: str, tmp_path: Path) -> None:
    text = "# für alle\r\nnumpy==1.26.4\r\n".encode(encoding)
    assert asked(survey(of_files(tmp_path, {"requirements.txt": text}))) == {"numpy": "==1.26.4"}


def test_a_link_is_read_where_it_leads(tmp_path: Path) -> None:
    of_files(tmp_path, {"deps/core.txt": "numpy\n"})
    (tmp_path / "requirements.txt").symlink_to("deps/core.txt")
    assert asked(survey(of_files(tmp_path, {}))) == {"numpy": ""}


@pytest.mark.parametrize(
    "line", ["-r ../outside.txt", "-r none.txt", "-c none.txt", "-r https://example.org/r.txt"]
)
def test_an_include_that_cannot_be_read_is_named(line: str, tmp_path: Path) -> None:
    found = survey(of_files(tmp_path, {"requirements.txt": f"numpy\n{line}\n"}))
    assert "requirements.txt: " in left(found)[line]


@pytest.mark.parametrize(
    ("files", "names"),
    [
        ({"Pipfile": '[packages]\nnumpy = "*"\nrequests = {version = ">=2"}\n'}, "numpy requests"),
        (
            {"pixi.toml": '[dependencies]\nnumpy = ">=2"\n[pypi-dependencies]\nrich = "*"\n'},
            "numpy rich",
        ),
        ({"pyproject.toml": '[tool.pdm.dev-dependencies]\ntest = ["pytest"]\n'}, "pytest"),
        ({"pyproject.toml": '[tool.hatch.envs.default]\ndependencies = ["rich"]\n'}, "rich"),
        (
            {
                "pyproject.toml": '[project]\nname = "a"\ndynamic = ["dependencies"]\n'
                '[tool.setuptools.dynamic]\ndependencies = {file = ["deps/core.txt"]}\n',
                "deps/core.txt": "numpy\n",
            },
            "numpy",
        ),
        (
            {"setup.cfg": "[options]\ninstall_requires = file: reqs.txt\n", "reqs.txt": "numpy\n"},
            "numpy",
        ),
        (
            {"setup.py": "R = ['numpy', 'rich']\nsetup(install_requires=R + ['tqdm'])\n"},
            "numpy rich tqdm",
        ),
        ({"setup.py": "setup(install_requires='numpy\\nrich')\n"}, "numpy rich"),
        (
            {
                "setup.py": "D = {'a': 'numpy==2', 'b': 'rich'}\n"
                "setup(install_requires=[D['a'], D['b']])\n"
            },
            "numpy rich",
        ),
        ({"conda_env.yml": "dependencies:\n  - numpy\n"}, "numpy"),
        ({"env.yml": "dependencies:\n  - pip:\n    - -r more.txt\n", "more.txt": "rich\n"}, "rich"),
        ({"inner/requirements.txt": "numpy\n"}, "numpy"),
    ],
)
def test_each_form_is_read(files: Files, names: str, tmp_path: Path) -> None:
    assert sorted(asked(survey(of_files(tmp_path, files)))) == names.split()


@pytest.mark.parametrize(
    "path",
    [
        "server/setup.py",
        "src/requirements.txt",
        "a/pyproject.toml",
        "b/environment.yml",
        "c/Pipfile",
    ],
)
def test_a_file_that_is_not_read_is_named_and_can_be_taken(path: str, tmp_path: Path) -> None:
    text = {
        "server/setup.py": "setup(install_requires=['rich'])\n",
        "src/requirements.txt": "rich\n",
        "a/pyproject.toml": '[project]\nname = "a"\ndependencies = ["rich"]\n',
        "b/environment.yml": "dependencies:\n  - pip:\n    - rich\n",
        "c/Pipfile": '[packages]\nrich = "*"\n',
    }[path]
    repository = of_files(tmp_path, {"requirements.txt": "numpy\n", path: text})
    found = survey(repository)
    assert asked(found) == {"numpy": ""}
    assert "not read" in left(found)[path]
    if "--carry" in left(found)[path]:
        taken = survey(repository, Wishes(carry=[path]))
        assert sorted(asked(taken)) == ["numpy", "rich"]
        assert path not in left(taken)


def test_what_the_top_says_is_not_mixed_with_two_folders(tmp_path: Path) -> None:
    files: Files = {"a/requirements.txt": "numpy\n", "b/requirements.txt": "rich\n"}
    found = survey(of_files(tmp_path, files))
    assert asked(found) == {}
    assert left(found).keys() == files.keys()


def test_conda_s_own_packages_are_never_asked_of_pypi(tmp_path: Path) -> None:
    system = [
        "libffi=3.4.2=h7f98852_5",
        "zlib=1.2.13",
        "tk",
        "readline",
        "zstd",
        "libgcc-ng",
        "xz=5",
    ]
    lines = [*system, "numpy=1.26.4=py311h64a7726_0", "scikit-learn", "some-private-tool"]
    text = "dependencies:\n" + "".join(f"  - {line}\n" for line in lines)
    found = survey(of_files(tmp_path, {"environment.yml": text}))
    assert asked(found) == {"numpy": "==1.26.4", "scikit-learn": ""}
    assert {*system, "some-private-tool"} <= left(found).keys()


def test_a_workspace_and_an_index_of_its_own_are_not_asked_of_pypi(tmp_path: Path) -> None:
    text = """
[project]
name = "a"
dependencies = ["sister", "corp-models", "torch", "rich"]
[tool.uv.sources]
sister = {workspace = true}
corp-models = {index = "corp"}
torch = {index = "pt"}
[[tool.uv.index]]
name = "corp"
url = "https://corp.example.org/simple"
[[tool.uv.index]]
name = "pt"
url = "https://download.pytorch.org/whl/cu130"
"""
    found = survey(of_files(tmp_path, {"pyproject.toml": text}))
    assert sorted(asked(found)) == ["corp-models", "rich", "torch"]
    assert found.findings.ties == {("corp", "https://corp.example.org/simple"): ["corp-models"]}
    assert (
        "workspace" in left(found)["tool.uv.sources.sister"]
        or "package of this repository" in (left(found)["tool.uv.sources.sister"])
    )


def test_requirements_txt_wins_over_a_variant_which_stays_optional(tmp_path: Path) -> None:
    files: Files = {
        "requirements-legacy.txt": "torch==1.13.1\nnumpy==1.21.0\n",
        "requirements.txt": "torch==2.7.0\nnumpy==1.26.4\n",
        "requirements/npu.txt": "torch==2.10.0\n",
    }
    repository = of_files(tmp_path, files)
    found = survey(repository)
    assert asked(found) == {"torch": "==2.7.0", "numpy": "==1.26.4"}
    assert sorted(found.findings.optional()) == ["requirements-legacy.txt", "requirements/npu.txt"]
    taken = survey(repository, Wishes(carry=["requirements-legacy.txt"]))
    assert asked(taken)["numpy"] == "==1.26.4"
    assert taken.findings.contradictions == [
        f"requirements.txt asks for {first}, requirements-legacy.txt for {second}: the first "
        "counts."
        for first, second in [
            ("torch==2.7.0", "torch==1.13.1"),
            ("numpy==1.26.4", "numpy==1.21.0"),
        ]
    ]


def test_two_versions_in_one_file_are_said(tmp_path: Path) -> None:
    found = survey(of_files(tmp_path, {"requirements.txt": "numpy==1.24.0\nNumPy==1.26.4\n"}))
    assert asked(found) == {"numpy": "==1.24.0"}
    assert len(found.findings.contradictions) == 1


def test_extras_and_optional_packages_are_parts_to_choose(tmp_path: Path) -> None:
    text = """
[project]
name = "a"
dependencies = ["numpy"]
[project.optional-dependencies]
export = ["onnxruntime", "tensorflow"]
gpu = ["onnxruntime-gpu"]
test = ["pytest"]
"""
    repository = of_files(tmp_path, {"pyproject.toml": text})
    assert sorted(asked(survey(repository))) == ["numpy", "pytest"]
    assert sorted(survey(repository).findings.optional()) == ["extra export", "extra gpu"]
    taken = survey(repository, Wishes(carry=["extra gpu"]))
    assert sorted(asked(taken)) == ["numpy", "onnxruntime-gpu", "pytest"]
    with pytest.raises(HookError, match="there are: extra export, extra gpu"):
        survey(repository, Wishes(carry=["extra npu"]))


def test_poetry_s_optional_packages_are_parts_too(tmp_path: Path) -> None:
    text = """
[tool.poetry.dependencies]
numpy = "^2.0"
gradio = {version = "^5.0", optional = true}
qdrant-client = {version = "*", optional = true}
[tool.poetry.extras]
ui = ["gradio"]
"""
    found = survey(of_files(tmp_path, {"pyproject.toml": text}))
    assert sorted(asked(found)) == ["numpy"]
    assert sorted(found.findings.optional()) == ["extra ui", "optional"]


def test_a_package_of_the_code_and_of_the_tests_is_no_tool(tmp_path: Path) -> None:
    files: Files = {
        "requirements-dev.txt": "-r requirements.txt\npytest\npandas\n",
        "requirements.txt": "numpy\npandas\n",
    }
    uses = {each.name: each.use for each in survey(of_files(tmp_path, files)).findings.once_each()}
    assert uses == {"numpy": "", "pandas": "", "pytest": "develop"}


def test_addresses_get_the_reason_that_holds(tmp_path: Path) -> None:
    lines = [
        "git+https://example.org/a.git",
        "b @ git+ssh://git@example.org/b.git",
        "https://example.org/c-1.0-py3-none-any.whl",
        "https://example.org/archive.zip",
    ]
    found = survey(of_files(tmp_path, {"requirements.txt": "\n".join(lines)}))
    assert [one.name for one in found.findings.once_each()] == ["c"]
    assert all("no hash to lock" in left(found)[line] for line in lines[:2])
    assert "without a name" in left(found)[lines[3]]


@pytest.mark.parametrize(
    "files",
    [
        {"environment.yml": "dependencies:\n"},
        {"environment.yml": "dependencies:\n  - null\n  - 3.9\n"},
        {"environment.yml": "- a\n"},
        {"pyproject.toml": '[tool.poetry.dependencies]\ntorch = "^2.x"\n'},
        {"pyproject.toml": '[tool.poetry.dependencies]\nnumpy = ">=1.5 <3"\npandas = "^a"\n'},
        {"setup.py": "setup(install_requires={['a']: 1})\n"},
        {"setup.py": "print 'two'\nsetup(install_requires=['numpy'])\n"},
        {"setup.cfg": "no section\n"},
        {
            "a.ipynb": "[]",
            "b.ipynb": "{",
            "c.ipynb": json.dumps({"cells": [1, {"cell_type": "code"}]}),
        },
        {"poetry.lock": "package = 3\n[a]\n"},
        {"Pipfile.lock": "[]"},
        {"requirements.txt": b"\x00\x01\x02"},
        {"uv.lock": '[[package]]\nname = 3\nversion = "1"\n'},
    ],
)
def test_no_input_ends_in_a_traceback(files: Files, tmp_path: Path) -> None:
    try:
        survey(of_files(tmp_path, files))
    except HookError as error:
        assert "fix it first" in str(error)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("project = 3\n", "project is not a table"),
        ("[tool]\npoetry = 'x'\n", "tool.poetry is not a table"),
        ("[project]\ndependencies = 'torch'\n", "project.dependencies is not a list"),
        ("[project]\ndependencies = [1]\n", "project.dependencies is not a list of texts"),
    ],
)
def test_a_file_of_a_wrong_shape_gets_one_sentence(
    text: str, sentence: str, tmp_path: Path
) -> None:
    with pytest.raises(HookError, match=sentence):
        survey(of_files(tmp_path, {"pyproject.toml": text}))


def test_a_heading_in_a_block_of_code_is_no_title(tmp_path: Path) -> None:
    readme = "<h1 align='center'>Flowers</h1>\n\n```bash\n# Install it first\npip install a\n```\n"
    found = survey(of_files(tmp_path, {"README.md": readme}))
    assert found.title == "Flowers"
    assert found.readme_installs == ("a",)


def test_system_packages_end_with_their_line(tmp_path: Path) -> None:
    text = "FROM python:3.12\nRUN apt-get install -y git curl\nRUN pip install timm\nCOPY . .\n"
    found = survey(of_files(tmp_path, {"Dockerfile": text}))
    assert found.system_packages == ("git", "curl")


POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:0123\nsize 12\n"


def test_what_is_in_git_lfs_is_read_in_the_work_tree_or_named(tmp_path: Path) -> None:
    # `git lfs track "*.txt"` takes requirements.txt too; git then has a pointer alone.
    repository = of_files(tmp_path, {"requirements.txt": POINTER})
    found = survey(repository)
    assert asked(found) == {}
    assert "git lfs pull" in left(found)["requirements.txt"]
    assert "requirements.txt" not in found.requirement_sources
    (tmp_path / "requirements.txt").write_text("numpy\n", encoding="utf-8")  # as LFS smudges it
    assert asked(survey(repository)) == {"numpy": ""}


@pytest.mark.parametrize("path", ["requirements.txt", "pyproject.toml", "environment.yml"])
def test_what_is_no_text_is_named_as_not_read(path: str, tmp_path: Path) -> None:
    found = survey(of_files(tmp_path, {path: b"\x00\x01\x02"}))
    assert left(found)[path].startswith("not read: it is no text")


def test_a_package_that_has_two_indexes_is_tied_to_the_first(tmp_path: Path) -> None:
    text = """
[project]
name = "a"
dependencies = ["corp-models"]
[tool.uv.sources]
corp-models = [{index = "corp.eu", extra = "x"}, {index = "corp.us", extra = "y"}]
[[tool.uv.index]]
name = "corp.eu"
url = "https://eu.example.org/simple"
[[tool.uv.index]]
name = "corp.us"
url = "https://us.example.org/simple"
"""
    found = survey(of_files(tmp_path, {"pyproject.toml": text})).findings
    assert found.ties == {("corp-eu", "https://eu.example.org/simple"): ["corp-models"]}
