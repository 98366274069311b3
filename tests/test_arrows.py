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
# Pure mathematics of the taxonomy, without Django: what “evalhub verify” computes a report's figures again with.
FOR_CLIENT = ("taxonomy.statistics", "taxonomy.tree")
# Inside an app: models -> rule modules named for their job -> forms -> tasks -> views -> urls.
RANKS = ("models", "RULES", "forms", "tasks", "views", "urls")
# These modules of an app may know all its folders: they bring together what the folders hold.
WIRING = ("tasks", "urls")


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
    if package == "evalhub.client" and name.startswith(FOR_CLIENT):
        return True
    if other := package_of(name):
        return other == package or other in MAY_IMPORT[package]
    beside = FOR_ALL + (FOR_SERVING if package == "evalhub.serving" else ())
    return not name.startswith("evalhub.") or name.startswith(beside)


def module_of(package: str, name: str) -> tuple[str, ...]:
    """The folders of the package's module that is meant, and its own name; what is imported from it is left out."""
    parts = name.split(".")[package.count(".") + 1 :]
    place, module = ROOT / package.replace(".", "/"), []
    for part in parts:
        place /= part
        if not place.is_dir() and not place.with_suffix(".py").is_file():
            break
        module.append(part)
    return tuple(module)


def inner_imports(package: str) -> Iterator[tuple[tuple[str, ...], tuple[str, ...], str]]:
    """Which module of an app imports which of its own, and where. What lies beside the app's code is left out."""
    folder = ROOT / package.replace(".", "/")
    for path in modules_of(package):
        mine = path.relative_to(folder).with_suffix("").parts
        if mine[0] in {"management", "apps"}:
            continue
        for line, name in imports_of(path):
            if name.startswith(f"{package}.") and (other := module_of(package, name)):
                yield mine, other, f"{path.relative_to(ROOT)}:{line} imports {name}"


def rank_of(module: tuple[str, ...]) -> int:
    """The place of an app's module in the order: “candidate_views” stands with “views”, and so does all in “views/”."""
    kinds = [part.rpartition("_")[2] for part in module]
    return next((RANKS.index(kind) for kind in reversed(kinds) if kind in RANKS), RANKS.index("RULES"))


def part_of(package: str, module: tuple[str, ...]) -> str:
    """What of an app a module belongs to: “desk/” for all that lies in that sub-package, else itself alone."""
    return f"{module[0]}/" if (ROOT / package.replace(".", "/") / module[0]).is_dir() else module[0]


def loops(arrows: dict[str, set[str]]) -> list[str]:
    """Everything from which arrows lead back to itself, however long the way."""

    def reached(start: str) -> set[str]:
        seen: set[str] = set()
        ahead = [*arrows[start]]
        while ahead:
            if (here := ahead.pop()) not in seen:
                seen.add(here)
                ahead += arrows.get(here, ())
        return seen

    return sorted(start for start in arrows if start in reached(start))


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
    rightward = [where for mine, other, where in inner_imports(package) if rank_of(other) > rank_of(mine)]

    assert rightward == []


def arrows_in(package: str) -> dict[str, set[str]]:
    arrows: dict[str, set[str]] = {}
    for mine, other, _ in inner_imports(package):
        start, end = part_of(package, mine), part_of(package, other)
        if start != end and not {start, end} & set(WIRING):
            arrows.setdefault(start, set()).add(end)
    return arrows


@pytest.mark.parametrize("package", LAYERS)
def test_no_two_parts_of_an_app_import_each_other(package):
    """Its sub-packages and the modules beside them; nor do several in a circle."""
    assert loops(arrows_in(package)) == []


def test_the_core_of_the_reviews_imports_none_of_its_folders():
    outward = [
        f"{start} imports {end}"
        for start, ends in arrows_in("reviews").items()
        for end in ends
        if end.endswith("/") and not start.endswith("/")
    ]

    assert outward == []
