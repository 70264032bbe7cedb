"""The catalog says of every build what serves it, and of every fact where it comes from."""

from pathlib import Path

import pytest

from maintain.stack.catalog import Catalog, load_catalog


@pytest.fixture(scope="module")
def catalog(stack: Path) -> Catalog:
    return load_catalog(stack)


def test_every_backend_and_platform_of_the_template_is_there(catalog: Catalog) -> None:
    assert [row.backend for row in catalog.backends] == ["cpu", "cuda", "rocm", "xpu", "mps"]
    assert {row.platform for row in catalog.platforms} == {
        "linux-x86_64",
        "linux-arm64",
        "macos-arm64",
        "windows-x86_64",
    }


def test_the_cpu_is_served_everywhere_with_every_python(catalog: Catalog, stack: Path) -> None:
    (cpu,) = catalog.builds_of("cpu")
    assert set(cpu.wheels) == {row.platform for row in catalog.platforms}
    assert not cpu.requires and not cpu.driver and not cpu.gpu_targets


def test_a_gpu_has_kernels_in_some_build(catalog: Catalog) -> None:
    cuda = [gpu.generation for gpu in catalog.gpus if gpu.backend == "cuda"]
    served = {
        gpu.generation
        for build in catalog.builds_of("cuda")
        for platform in build.wheels
        for gpu in catalog.generations(build, platform, served=True)
    }
    assert served == set(cuda)


def test_generations_are_served_or_not(catalog: Catalog) -> None:
    for build in catalog.builds:
        for platform in build.gpu_targets:
            served = catalog.generations(build, platform, served=True)
            others = catalog.generations(build, platform, served=False)
            assert served and not [gpu for gpu in served if gpu in others]
            assert len(served) + len(others) == len(
                [gpu for gpu in catalog.gpus if gpu.backend == build.backend]
            )


def test_an_older_generation_is_served_by_the_oldest_cuda_only(catalog: Catalog) -> None:
    newest, *_, oldest = catalog.builds_of("cuda")
    dropped = catalog.generations(newest, "linux-x86_64", served=False)
    kept = catalog.generations(oldest, "linux-x86_64", served=True)
    assert {"Maxwell", "Pascal", "Volta"} <= {gpu.generation for gpu in dropped}
    assert {"Maxwell", "Pascal", "Volta"} <= {gpu.generation for gpu in kept}
