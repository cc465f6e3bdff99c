"""The project as an installation: its declared versions agree, and imports bring only their own."""

import ast
import functools
import graphlib
import re
import subprocess
import sys
import tomllib
from importlib.metadata import Distribution, distribution, packages_distributions
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

import spectral_core

ROOT = Path(__file__).parent.parent
PACKAGE = Path(spectral_core.__file__).parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
ENVIRONMENT = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))


def pins(file):
    """Versions by name, as a file of constraints has them."""
    text = (ROOT / file).read_text(encoding="utf-8")
    found = re.findall(r"^([\w.-]+)==(\S+)$", text, re.MULTILINE)
    return {canonicalize_name(name): Version(version) for name, version in found}


PINS = pins("constraints.txt")
EXTRAS = dict(PROJECT["optional-dependencies"])
TENSORFLOW = [Requirement(text) for text in EXTRAS.pop("bench-tf")]  # in no environment
# What a user may leave out and still compute.
OPTIONAL = [
    text
    for extra, texts in EXTRAS.items()
    for text in texts
    if extra != "test" and not text.startswith(PROJECT["name"])
]
DECLARED = [
    Requirement(text)
    for text in [*PROJECT["dependencies"], *(text for texts in EXTRAS.values() for text in texts)]
    if not text.startswith(PROJECT["name"])
]


def names(texts):
    return {canonicalize_name(Requirement(text).name) for text in texts}


def imports(module):
    """Modules that a source file names in its import statements, as written."""
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def python(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)


@pytest.fixture
def pinned():
    """Skips a test of what the pinned versions need where others are installed."""
    for name, pin in PINS.items():
        found = next((each.version for each in Distribution.discover(name=name)), "none")
        if found.partition("+")[0] != str(pin):
            pytest.skip(f"{name} is {found}; constraints.txt has {pin}")


# Versions


@pytest.mark.parametrize("requirement", DECLARED, ids=str)
def test_dependency_has_a_range_and_a_pin_inside_it(requirement):
    assert any(part.operator in (">=", "==", "~=") for part in requirement.specifier)
    pin = PINS[canonicalize_name(requirement.name)]
    assert pin in requirement.specifier


@pytest.mark.parametrize("file", ["constraints.txt", "constraints-tensorflow.txt"])
def test_each_line_of_the_constraints_is_one_pin(file):
    lines = (ROOT / file).read_text(encoding="utf-8").splitlines()
    assert len(pins(file)) == sum(not line.startswith("#") for line in lines)


def test_tensorflows_pins_lie_in_their_ranges_and_beside_the_others():
    found = pins("constraints-tensorflow.txt")
    assert not found.keys() & PINS.keys()
    for requirement in TENSORFLOW:
        assert found[canonicalize_name(requirement.name)] in requirement.specifier
    for file in ("pyproject.toml", "benchmarks/tensorflow.py"):
        text = (ROOT / file).read_text(encoding="utf-8")
        assert f"--no-deps spectraltools=={found['spectraltools']}" in text


def test_environment_installs_the_project_through_the_constraints():
    *conda, pip = ENVIRONMENT["dependencies"]
    assert "pip" in conda
    assert set(pip["pip"]) == {"--constraint constraints.txt", "--editable .[test]"}
    assert ENVIRONMENT["name"] == PROJECT["name"]


def test_environments_python_is_one_that_project_and_pins_accept(pinned):
    (python,) = [d for d in ENVIRONMENT["dependencies"] if str(d).startswith("python=")]
    version = Version(python.removeprefix("python=").strip("=") + ".9")
    assert version in SpecifierSet(PROJECT["requires-python"])
    for name in PINS:
        required = distribution(name).metadata.get("Requires-Python")
        assert required is None or version in SpecifierSet(required), name


def test_pins_are_closed_under_what_the_dependencies_need(pinned):
    """A fresh installation picks no version that is not written down."""
    needed, seen = list(DECLARED), set()
    while needed:
        requirement = needed.pop()
        name = canonicalize_name(requirement.name)
        if (name, *sorted(requirement.extras)) in seen:
            continue
        seen.add((name, *sorted(requirement.extras)))
        if name in ("setuptools", "pip", "wheel"):
            continue
        assert name in PINS
        for text in distribution(name).requires or []:
            inner = Requirement(text)
            extras = requirement.extras or {""}
            if "nvidia" in text or "triton" in text or "cuda" in text:
                continue  # brought by builds of torch for a GPU only
            if inner.marker is None or any(inner.marker.evaluate({"extra": e}) for e in extras):
                assert PINS.get(canonicalize_name(inner.name)) in inner.specifier or (
                    canonicalize_name(inner.name) == "setuptools"
                )
                needed.append(inner)


# Imports


def test_each_import_is_declared_and_each_dependency_imported():
    modules = sorted(PACKAGE.rglob("*.py"))
    imported = {name.split(".")[0] for module in modules for name in imports(module)}
    imported -= set(sys.stdlib_module_names) | {"spectral_core"}
    origin = packages_distributions()
    used = {canonicalize_name(origin[name][0]) for name in imported}
    core = names(PROJECT["dependencies"])
    assert core <= used
    assert used - core <= names(OPTIONAL)


CORE = ("layers", "training", "pruning", "interop", "data")
PAPER = ("study", "run", "results", "claims", "questions", "pages")
FOLDERS = (*CORE, *(f"paper.{folder}" for folder in PAPER))
"""All folders, in the order in which they may import one another."""


@functools.cache
def modules():
    """Every module of the package: its dotted name, and those of the package that it imports."""
    named = {}
    for file in PACKAGE.rglob("*.py"):
        parts = file.relative_to(PACKAGE).with_suffix("").parts
        named[".".join(("spectral_core", *parts)).removesuffix(".__init__")] = file
    graph = {name: set(imports(file)) & set(named) - {name} for name, file in named.items()}
    for name, needed in graph.items():  # a module of a folder does not need the folder's names
        needed -= {folder for folder in named if name.startswith(f"{folder}.")}
    return graph


def test_no_module_imports_what_imports_it():
    list(graphlib.TopologicalSorter(modules()).static_order())  # fails where there is a circle


def place(module):
    """Of a module among the folders: those before its own are what it may import."""
    for i, folder in enumerate(FOLDERS):
        if module.startswith(f"spectral_core.{folder}."):
            return i
    return len(FOLDERS if module.startswith("spectral_core.paper") else CORE) - 1


def test_a_folder_imports_from_those_before_it_alone_and_the_core_nothing_of_the_paper():
    for module, needed in modules().items():
        for other in needed:
            if other.startswith(tuple(f"spectral_core.{folder}." for folder in FOLDERS)):
                assert place(other) <= place(module), (module, other)
        if not module.startswith("spectral_core.paper"):
            assert not any(other.startswith("spectral_core.paper") for other in needed), module


def test_every_folder_has_its_place():
    found = {file.parent.relative_to(PACKAGE).parts for file in PACKAGE.rglob("*/__init__.py")}
    assert {".".join(parts) for parts in found} == {"paper", *FOLDERS}


@pytest.mark.slow
def test_importing_the_package_brings_nothing_that_is_slow_or_optional():
    heavy = {"torchvision", "pandas", "scipy", "sklearn", "joblib", "IPython", "onnx"}
    heavy |= {"onnxruntime", "requests", *(name.replace("-", "_") for name in names(OPTIONAL))}
    done = python("""
import sys, torch
before = set(sys.modules)
from spectral_core import *
print(SpectralLinear.__module__, *sorted(set(sys.modules) - before))
from spectral_core import data
print(*sorted(set(sys.modules) - before))
""")
    assert done.returncode == 0, done.stderr
    core, with_data = (set(line.split()) for line in done.stdout.splitlines())
    assert "spectral_core.pruning.prune" in core and "spectral_core.data.dataset" in with_data
    assert not {name.split(".")[0] for name in core} & heavy
    assert not {name.split(".")[0] for name in with_data} & (heavy - {"joblib"})


@pytest.mark.parametrize(
    ("module", "extra", "call"),
    [
        ("torch_pruning", "torch-pruning", "SpectralImportance(nn.Linear(3, 2), {})"),
        ("onnx", "onnx", "export_onnx(nn.Linear(3, 2), 'a', torch.rand(2, 3))"),
        ("matplotlib.pyplot", "figures", "plot_spectrum(spectral(nn.Linear(3, 2)))"),
    ],
)
def test_a_missing_extra_is_named(module, extra, call, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    said = f"{call.partition('(')[0]} needs the extra [{extra}]: "
    said += f"python -m pip install 'spectral-core[{extra}]'"
    with pytest.raises(ModuleNotFoundError, match=re.escape(said)):
        exec(f"import torch; from torch import nn; from spectral_core import *; {call}", {})


@pytest.mark.slow
def test_computing_needs_no_package_of_figures_or_notebooks(tmp_path):
    blocked = {"IPython", "ipykernel", "jupyter_client", "jupyter_core", "nbformat", "nbclient"}
    blocked |= {name.replace("-", "_") for name in names(OPTIONAL)}
    done = python(f"""
import sys
sys.modules.update(dict.fromkeys({blocked!r}))  # None: importing it fails
from spectral_core.paper.cli import cli
small = ["--seeds", "1", "--epochs", "1", "--workers", "1", "--store", {str(tmp_path)!r}]
cli(["compute", "fig03", "--preset", "smoke", *small], standalone_mode=False)
cli(["status", "fig03", "--store", {str(tmp_path)!r}], standalone_mode=False)
cli(["data", "list"], standalone_mode=False)
""")
    assert done.returncode == 0, done.stderr
    assert "steps run: 12," in done.stdout
    assert len(list((tmp_path / "cut").glob("*.json"))) == 9
