"""The simulations of ``manage.py bench statistics``, with fewer worlds: a fixed seed, and room for its chance."""

import ast
from pathlib import Path

import numpy as np

import taxonomy.statistics
from tests.benchmarks.statistics_alarms import ALIKE, is_alarmed, is_named, judgements, with_regression
from tests.benchmarks.statistics_worlds import chosen_outputs

MAY_IMPORT = ("evalhub.checks.rates", "taxonomy.statistics.", "numpy", "scipy")
STANDARD = {
    "__future__",
    "collections",
    "dataclasses",
    "enum",
    "functools",
    "itertools",
    "math",
    "statistics",
    "typing",
}


def test_without_a_regression_there_is_an_alarm_in_at_most_one_world_in_twenty():
    alarms = [is_alarmed(modes) for _, modes in judgements(np.random.default_rng(1), 800, ALIKE, ALIKE, 0.6)]

    assert np.mean(alarms) <= 0.05


def test_a_mode_that_rises_from_2_to_8_percent_while_the_total_improves_is_found_in_four_worlds_of_five():
    found = [is_named(*each) for each in judgements(np.random.default_rng(1), 400, *with_regression(), 0.6)]

    assert np.mean(found) >= 0.8


def test_choosing_by_failed_checks_biases_the_raw_share_and_the_weights_take_that_back():
    world = (2_000, 0.15, 0.4, 0.02, None, 150, 0)

    ((_, weighted, raw, off),) = chosen_outputs(np.random.default_rng(1), 1_500, worlds=[world])

    assert 0.93 <= weighted <= 0.97
    assert raw < 0.01
    assert off > 0.1


def test_the_package_imports_nothing_of_django_and_the_project_but_rates():
    outward = set()
    for path in Path(taxonomy.statistics.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            outward |= {
                name for name in names if not name.startswith(MAY_IMPORT) and name.split(".")[0] not in STANDARD
            }

    assert outward == set()


def test_numpy_and_scipy_are_imported_when_they_are_needed():
    for path in Path(taxonomy.statistics.__file__).parent.glob("*.py"):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                assert (
                    not ast.unparse(node)
                    .replace("import", "from")
                    .split("from")[1]
                    .strip()
                    .startswith(("numpy", "scipy"))
                )
