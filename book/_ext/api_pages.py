"""Sphinx extension: pages of the API follow from the package, with no list kept by hand.

In a page, a line ``% names: PACKAGE`` becomes a list of what programs import of its modules,
``% api: PACKAGE`` the documentation of these names and then of each module, and
``% summary: PACKAGE`` a list of each module's functions and classes.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import sys
from collections.abc import Iterator
from types import ModuleType

from docutils.nodes import Element
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

EXPORTS = ("spectral_core", "spectral_core.data")
"""Packages whose ``__all__`` has the names that programs import."""


def _modules(package: str) -> Iterator[ModuleType]:
    root = importlib.import_module(package)
    for info in pkgutil.walk_packages(root.__path__, f"{package}."):
        if not info.ispkg and not info.name.rpartition(".")[2].startswith("_"):
            yield importlib.import_module(info.name)


def _exported(module: ModuleType) -> dict[str, str]:
    """What programs import out of a module: its name there, and the name to import it by."""
    found = {}
    for package in map(importlib.import_module, EXPORTS):
        for name in package.__all__:
            value = getattr(package, name)
            if getattr(value, "__module__", None) == module.__name__:
                found[name] = f"{package.__name__}.{name}"
    return found


def _api(package: str) -> str:
    names, modules = [], []
    for module in _modules(package):
        exported = _exported(module)
        for name, path in exported.items():
            kind = _kind(getattr(module, name))
            members = ["   :members:"] * (kind == "class")
            names.append(_block(f"## {name}", [f".. auto{kind}:: {path}", *members]))
        lines = [f".. automodule:: {module.__name__}", "   :members:"]
        lines += [f"   :exclude-members: {', '.join(exported)}"] * bool(exported)
        modules.append(_block(f"### {module.__name__}", lines))
    return "\n\n".join([*names, "## Modules", *modules])


def _kind(value: object) -> str:
    if not inspect.isclass(value):
        return "function"
    return "exception" if issubclass(value, Exception) else "class"


def _names(package: str) -> str:
    return "\n\n".join(
        f"{{obj}}`~{path}`\n: {_first_sentence(getattr(module, name))}"
        for module in _modules(package)
        for name, path in _exported(module).items()
    )


def _summary(package: str) -> str:
    return "\n\n".join(_summed_up(module) for module in _modules(package))


def _summed_up(module: ModuleType) -> str:
    entries = [
        f"`{name}`\n: {_first_sentence(value)}"
        for name, value in vars(module).items()
        if not name.startswith("_") and getattr(value, "__module__", "") == module.__name__
    ]
    title = f"## {module.__name__.removeprefix('spectral_core.paper.')}"
    return "\n\n".join([title, _first_sentence(module), *entries])


def _first_sentence(value: object) -> str:
    """The first paragraph of a docstring; what it refers to stands by its name."""
    text = inspect.cleandoc(getattr(value, "__doc__", None) or "").split("\n\n")[0]
    text = re.sub(r":\w+:`~?(?:[\w.]*\.)?(\w+)`", r"`\1`", " ".join(text.split()))
    return text.replace("{", "\\{")


def _block(title: str, lines: list[str]) -> str:
    return "\n".join([title, "", "```{eval-rst}", *lines, "```"])


WRITERS = {"api": _api, "names": _names, "summary": _summary}


def _fill(app: Sphinx, docname: str, source: list[str]) -> None:
    source[0] = re.sub(
        rf"^% ({'|'.join(WRITERS)}): (\S+)$",
        lambda match: WRITERS[match[1]](match[2]),
        source[0],
        flags=re.MULTILINE,
    )


def _resolve(app: Sphinx, env: BuildEnvironment, node: pending_xref, content: Element):
    """Lead a reference to a name in its module to where programs import it from."""
    if node.get("refdomain") != "py":
        return None
    target = node["reftarget"]
    for path in (target, f"{node.get('py:module')}.{target}"):
        module = sys.modules.get(path.rpartition(".")[0])
        public = _exported(module).get(path.rpartition(".")[2]) if module else None
        if public:
            python, builder = env.get_domain("py"), app.builder
            kind = node["reftype"]
            return python.resolve_xref(env, node["refdoc"], builder, kind, public, node, content)
    return None


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("source-read", _fill)
    app.connect("missing-reference", _resolve)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
