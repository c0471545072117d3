import json
import math

import numpy as np
import pytest
from conftest import measured

from abalone import baseline, schema


def rows(sexes, lengths):
    """Rows that differ in sex and length; the other measures are 1."""
    cells = [[sex, length, *[1.0] * 6] for sex, length in zip(sexes, lengths, strict=True)]
    return np.array(cells, dtype=object)


def test_a_column_is_told_by_its_deciles_or_its_values():
    told = baseline.describe(rows(["F", "I", "I", "M"] * 25, [float(n) for n in range(100)]))
    assert (told["version"], told["rows"], list(told["columns"])) == (1, 100, list(schema.FEATURES))
    length = told["columns"]["length"]
    assert length["edges"] == pytest.approx(np.quantile(range(100), [n / 10 for n in range(1, 10)]))
    assert length["shares"] == [0.1] * 10
    assert told["columns"]["sex"]["values"] == {"F": 0.25, "I": 0.5, "M": 0.25}


def test_an_edge_belongs_to_the_interval_above_it():
    """Of a column with one value every decile is that value, and all rows are above all of them."""
    told = baseline.describe(rows(["F"] * 10, [2.0] * 10))["columns"]["length"]
    assert told["edges"] == [2.0] * 9
    assert told["shares"] == [0.0] * 9 + [1.0]


def test_missing_values_are_a_share_of_all_rows_and_no_part_of_the_others():
    told = baseline.describe(rows(["F", "", "", ""], [1.0, 3.0, math.nan, math.nan]))["columns"]
    assert (told["sex"]["missing"], told["sex"]["values"]) == (0.75, {"F": 1.0})
    assert told["length"]["missing"] == 0.5
    assert sum(told["length"]["shares"]) == 1


def test_a_column_without_any_value_is_json_and_holds_nothing():
    told = baseline.describe(rows([""], [math.nan]))["columns"]
    assert told["sex"] == {"kind": "category", "missing": 1.0, "values": {}}
    assert told["length"] == {"kind": "numeric", "missing": 1.0, "edges": [], "shares": []}
    json.dumps(told, allow_nan=False)


def test_it_tells_of_the_training_rows_and_stands_beside_the_evaluation(trained, tmp_path):
    measured(trained, tmp_path)
    features, _ = schema.read_labelled(trained.split / "train")
    assert json.loads((tmp_path / "baseline.json").read_text()) == json.loads(json.dumps(baseline.describe(features)))
