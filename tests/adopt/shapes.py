"""Small repositories of the shapes of public ones, with what their plan must be.

The names of files and the lines of requirements are of the kinds that public repositories have; the
code and the wording are our own.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field

Files = dict[str, str]
PACKAGE = "def answer() -> int:\n    return 42\n"


@dataclass(frozen=True)
class Shape:
    """A repository and what is expected of its plan.

    Attributes:
        like: What kind of public repository it stands for.
        files: Its files.
        training: The answer to the question of that name.
        asked: Names of all packages that the plan carries.
        options: Options that a maintainer who read the plan gives besides.
        locks: Whether it locks for the CPU.
        said: What the plan must say in any case, besides.
    """

    like: str
    files: Files
    training: str = "none"
    asked: str = ""
    options: tuple[str, ...] = ()
    locks: bool = True
    said: tuple[str, ...] = field(default=())


def _notebook(code: str) -> str:
    return json.dumps({"cells": [{"cell_type": "code", "source": [code]}]})


def _pyproject(name: str, dependencies: str, more: str = "") -> str:
    return f'[project]\nname = "{name}"\nversion = "1.0"\ndependencies = [{dependencies}]\n{more}'


SHAPES = {
    "scripts": Shape(
        "scripts of one model, no manifest at all",
        {
            "train.py": "import numpy as np\nimport torch\nfrom model import net\n",
            "model.py": "import torch\nnet = torch.nn.Linear\n",
            "README.md": "# tiny\n\n```\n# Install it first\npip install torch numpy\n```\n",
        },
        "pytorch",
        "numpy torch",
        said=("no file declares torch, 2 files import it", "README installs"),
    ),
    "setup-only": Shape(
        "a package with setup.py alone",
        {
            "setup.py": "from setuptools import setup\nREQUIRES = ['torch', 'tqdm']\n"
            "setup(name='tiny', version='1.0', packages=['tiny'], install_requires=REQUIRES)\n",
            "tiny/__init__.py": PACKAGE,
        },
        "pytorch",
        "torch tqdm",
    ),
    "setup-reads-file": Shape(
        "setup.py that reads requirements.txt",
        {
            "setup.py": "from setuptools import setup\nsetup(name='tiny', packages=['tiny'],"
            " install_requires=open('requirements.txt').read().split())\n",
            "requirements.txt": "ftfy\nregex\ntqdm\n",
            "tiny/__init__.py": "import ftfy\n" + PACKAGE,
        },
        asked="ftfy regex tqdm",
        said=("setup.py computes it",),
    ),
    "setup-table": Shape(
        "setup.py with a table of pins that its lists are taken from",
        {
            "setup.py": "from setuptools import setup\nT = {'rich': 'rich>=13', 'tqdm': 'tqdm'}\n"
            "setup(name='tiny', packages=['tiny'], install_requires=[T['rich'], T['tqdm']],\n"
            "      extras_require={'eval': ['sacrebleu'], 'dev': ['pytest']})\n",
            "tiny/__init__.py": "import rich\n" + PACKAGE,
        },
        asked="pytest rich tqdm",
        said=("extra eval", "--carry 'extra eval'"),
    ),
    "jax-library": Shape(
        "a library of JAX whose tests use torch",
        {
            "pyproject.toml": _pyproject(
                "layers",
                '"jax", "optax", "numpy"',
                '[project.optional-dependencies]\ntesting = ["torch", "pytest"]\n',
            ),
            "layers/__init__.py": "import jax\n",
        },
        "jax",
        "jax numpy optax pytest",
        said=("training=jax has no layer of torch",),
    ),
    "jax-folder": Shape(
        "JAX, its requirements in the package's folder",
        {"vit/requirements.txt": "flax\njax\nml-collections\n", "vit/train.py": "import jax\n"},
        "jax",
        "flax jax ml-collections",
    ),
    "tensorflow": Shape(
        "TensorFlow and a requirements file",
        {"requirements.txt": "tqdm\nhorovod-none\n", "model.py": "import tensorflow as tf\n"},
        asked="tensorflow tqdm",
        options=("--leave-out", "horovod-none"),
        said=("which the template has no layer for", "left out as you said"),
    ),
    "keras": Shape(
        "Keras 3 on JAX",
        {"requirements.txt": "keras>=3\njax\n", "fit.py": "import keras\n"},
        "keras",
        "jax keras",
    ),
    "transformers": Shape(
        "a training by transformers, variants for other hardware beside it",
        {
            "requirements.txt": "torch\ntransformers\ndatasets\n",
            "requirements/npu.txt": "torch==2.10.0\ntorch-npu==2.10.0\n",
            "requirements/vllm.txt": "vllm\n",
            "run.py": "from transformers import Trainer\n",
        },
        "huggingface",
        "datasets torch transformers",
        said=("requirements/npu.txt", "--carry 'requirements/vllm.txt'"),
    ),
    "extras": Shape(
        "a package whose extras exclude each other",
        {
            "pyproject.toml": _pyproject(
                "tiny",
                '"torch", "numpy"',
                '[project.optional-dependencies]\nexport = ["onnxruntime", "tensorflow"]\n'
                'gpu = ["onnxruntime-gpu"]\n',
            ),
            "tiny/__init__.py": "import numpy\n",
        },
        "pytorch",
        "numpy torch",
        said=("extra export", "extra gpu"),
    ),
    "poetry-optional": Shape(
        "Poetry with optional packages and extras",
        {
            "pyproject.toml": '[tool.poetry]\nname = "tiny"\nversion = "1.0"\ndescription = ""\n'
            'authors = []\n[tool.poetry.dependencies]\npython = ">=3.11,<3.14"\n'
            'fastapi = "^0.115 || ^0.116"\npyyaml = "^6.0"\n'
            'gradio = {version = "^5.0", optional = true}\n[tool.poetry.extras]\nui = ["gradio"]\n',
            "tiny/__init__.py": "import yaml\n",
        },
        asked="fastapi pyyaml",
        said=("extra ui",),
    ),
    "conda-export": Shape(
        "an environment as conda exports it, builds included",
        {
            "environment.yml": "name: a\nchannels: [conda-forge]\ndependencies:\n  - python=3.11\n"
            "  - libffi=3.4.2=h7f98852_5\n  - tk=8.6.13\n  - readline=8.2\n  - zlib=1.2.13\n"
            "  - numpy=1.26.4=py311h64a7726_0\n  - pip:\n    - rich==13.7.0\n",
            "a.py": "import numpy\n",
        },
        asked="numpy rich",
        said=("libffi=3.4.2=h7f98852_5", "tk=8.6.13"),
    ),
    "conda-variants": Shape(
        "conda for the CPU, another file for GPUs",
        {
            "environment.yml": "dependencies:\n  - python=3.12\n  - scikit-learn\n  - pandas\n",
            "environment-gpu.yml": "dependencies:\n  - cudf\n  - pandas\n",
            "a.py": "import sklearn\n",
        },
        asked="pandas scikit-learn",
        said=("environment-gpu.yml",),
    ),
    "legacy-variant": Shape(
        "a file of older pins beside requirements.txt",
        {
            "requirements.txt": "numpy==2.3.5\npandas\n",
            "requirements-legacy.txt": "numpy==1.21.0\n",
            "a.py": "import pandas\n",
        },
        asked="numpy pandas",
        said=("requirements-legacy.txt",),
    ),
    "old-pins": Shape(
        "pins that no offered Python has wheels for",
        {"requirements.txt": "numpy==1.19.5\nrich\n", "a.py": "import rich\n"},
        asked="numpy rich",
        locks=False,
        said=("numpy==1.19.5", "`--loosen numpy`"),
    ),
    "old-pins-loosened": Shape(
        "the same, as its maintainer answers",
        {"requirements.txt": "numpy==1.19.5\nrich\n", "a.py": "import rich\n"},
        asked="numpy rich",
        options=("--loosen", "numpy"),
    ),
    "python-of-pins": Shape(
        "pins that only one of the Pythons has wheels for",
        {"requirements.txt": "numpy==1.24.4\nscipy==1.10.1\n", "a.py": "import scipy\n"},
        asked="numpy scipy",
        said=("the exact pins have wheels for it",),
    ),
    "uv-workspace": Shape(
        "a workspace of uv with a private index",
        {
            "pyproject.toml": _pyproject(
                "top",
                '"sister", "rich"',
                "[tool.uv.sources]\nsister = {workspace = true}\n[tool.uv.workspace]\n"
                'members = ["packages/*"]\n',
            ),
            "packages/sister/pyproject.toml": _pyproject("sister", '"tqdm"'),
            "top/__init__.py": "import rich\n",
        },
        asked="rich",
        said=("tool.uv.sources.sister", "packages/sister/pyproject.toml"),
    ),
    "pdm": Shape(
        "PDM with its own groups",
        {
            "pyproject.toml": _pyproject(
                "tiny",
                '"httpx"',
                '[tool.pdm.dev-dependencies]\ntest = ["pytest"]\n'
                '[build-system]\nrequires = ["pdm-backend"]\nbuild-backend = "pdm.backend"\n',
            ),
            "tiny/__init__.py": "import httpx\n",
        },
        asked="httpx pytest",
    ),
    "pipenv": Shape(
        "Pipenv",
        {
            "Pipfile": '[packages]\nrequests = "*"\n[dev-packages]\npytest = "*"\n'
            '[requires]\npython_version = "3.12"\n',
            "a.py": "import requests\n",
        },
        asked="pytest requests",
    ),
    "pixi": Shape(
        "pixi",
        {
            "pixi.toml": '[workspace]\nname = "a"\nchannels = ["conda-forge"]\n'
            'platforms = ["linux-64"]\n[dependencies]\npython = ">=3.11"\nnumpy = ">=2"\n'
            '[pypi-dependencies]\nrich = "*"\n',
            "a.py": "import rich\n",
        },
        asked="numpy rich",
    ),
    "notebooks": Shape(
        "notebooks alone",
        {"explore.ipynb": _notebook("%matplotlib inline\nimport pandas as pd\nimport sklearn\n")},
        asked="pandas scikit-learn",
    ),
    "hatch-version": Shape(
        "Hatch with the version in the source",
        {
            "pyproject.toml": '[project]\nname = "tiny"\ndynamic = ["version"]\n'
            'dependencies = ["rich"]\n[tool.hatch.version]\npath = "tiny/__init__.py"\n'
            '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n',
            "tiny/__init__.py": '__version__ = "4.5.6"\nimport rich\n',
        },
        asked="rich",
    ),
    "folders": Shape(
        "books: a requirements file in every folder",
        {
            "requirements.txt": "numpy\n",
            "ch01/requirements-extra.txt": "tqdm\n",
            "ch02/requirements-extra.txt": "rich\n",
            "ch01/a.py": "import numpy\n",
        },
        asked="numpy",
        said=("ch01/requirements-extra.txt", "ch02/requirements-extra.txt"),
    ),
}
