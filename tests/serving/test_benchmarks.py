import json

from evalhub.serving.benchmarks import Figure, as_report, as_table, descriptions
from tests.serving.test_serve import manage


def test_every_benchmark_says_what_it_measures():
    assert "servers" in descriptions()
    assert [name for name, description in descriptions().items() if not description] == []


def test_an_unknown_benchmark_is_answered_with_those_that_there_are(home):
    refused = manage(home, "bench", "nonsense")

    assert refused.returncode == 1
    assert refused.stderr.startswith("There is no benchmark “nonsense”. Those that there are: ")
    assert "servers" in refused.stderr


def test_a_benchmark_runs_on_servers_of_its_own_and_writes_its_figures(home):
    file = home.parent / "figures.json"

    done = manage(home, "bench", "servers", "--json", str(file))

    assert done.returncode == 0, done.stderr
    report = json.loads(file.read_text())
    assert report["bench"] == "servers"
    names = [figure["name"] for figure in report["figures"]]
    assert names == ["first_start", "second_start", "stop", "database_round_trip", "broker_round_trip"]
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["figure", *names]
    assert not (home / "servers").exists()


def test_a_figure_over_its_floor_has_their_ratio():
    assert Figure.over("calls", 300.0, "calls/s", 400.0) == Figure("calls", 300.0, "calls/s", 400.0, 0.75)
    assert as_report("b", [Figure("rows", 2.0, "rows/s")]) == {
        "bench": "b",
        "figures": [{"name": "rows", "value": 2.0, "unit": "rows/s", "floor": None, "ratio": None}],
    }


def test_the_table_aligns_figures_and_leaves_out_floors_that_there_are_not():
    table = as_table([Figure.over("rows_per_second", 12345.6, "rows/s", 20000), Figure("growth", 1.25, "MB")])

    assert table == [
        "figure            value  unit     floor  ratio",
        "rows_per_second  12,346  rows/s  20,000  0.617",
        "growth             1.25  MB",
    ]
