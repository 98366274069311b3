"""The architecture: who may import whom. See ARCHITECTURE.md."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LAYERS = [
    "evalhub.web",
    "evalhub.projects",
    "evalhub.exports",
    "evalhub.evalsets",
    "evalhub.candidates",
    "evalhub.runs",
    "evalhub.checks",
    "taxonomy",
    "reviews",
    "evalhub.api",
]
# Each package may import those below it; the demo everything; what runs the servers, and the client, nothing of it all.
MAY_IMPORT = {package: set(LAYERS[:place]) for place, package in enumerate(LAYERS)}
MAY_IMPORT |= {"demo": {*LAYERS, "evalhub.serving"}, "evalhub.serving": set(), "evalhub.client": set()}
# Modules that lie beside the packages: these are for all, the others are nobody's.
FOR_ALL = ("evalhub.errors", "evalhub.exact_json")
FOR_SERVING = ("evalhub.celery",)
# Inside an app: models -> rule modules named for their job -> forms -> tasks -> views -> urls.
RANKS = ("models", "RULES", "forms", "tasks", "views", "urls")


def modules_of(package: str) -> Iterator[Path]:
    folder = ROOT / package.replace(".", "/")
    return (path for path in sorted(folder.rglob("*.py")) if "migrations" not in path.parts)


def imports_of(path: Path) -> Iterator[tuple[int, str]]:
    """Line and full name of everything that the module imports, wherever in the module."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}:{node.lineno}: a relative import"
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def package_of(name: str) -> str | None:
    return next((package for package in MAY_IMPORT if name == package or name.startswith(f"{package}.")), None)


def may_import(package: str, name: str) -> bool:
    if other := package_of(name):
        return other == package or other in MAY_IMPORT[package]
    beside = FOR_ALL + (FOR_SERVING if package == "evalhub.serving" else ())
    return not name.startswith("evalhub.") or name.startswith(beside)


def rank_of(module: str) -> int:
    """The place of an app's module in the order: “candidate_views” stands with “views”."""
    kind = module.rpartition("_")[2]
    return RANKS.index(kind) if kind in RANKS else RANKS.index("RULES")


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_a_package_imports_only_what_lies_below_it(package):
    upward = [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path in modules_of(package)
        for line, name in imports_of(path)
        if not may_import(package, name)
    ]

    assert upward == []


@pytest.mark.parametrize("package", LAYERS)
def test_a_module_imports_only_to_its_left(package):
    rightward = []
    for path in modules_of(package):
        mine = path.relative_to(ROOT / package.replace(".", "/")).parts
        if mine[0] in {"management", "apps.py"}:
            continue
        for line, name in imports_of(path):
            other = name.removeprefix(f"{package}.").split(".")[0]
            if name.startswith(f"{package}.") and rank_of(other) > rank_of(mine[0].removesuffix(".py")):
                rightward.append(f"{path.relative_to(ROOT)}:{line} imports {name}")

    assert rightward == []
