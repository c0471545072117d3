"""The job that compares what an endpoint is asked with what its model was trained on.

SageMaker starts it in a container of the model's own image, as model_deploy/monitoring.py describes it. It reads the
captured requests of the last hours and counts them by the bins of the baseline that stands on the model package; no
row is kept in memory. A feature has drifted where the change is large (population stability index) and not by chance
(Kolmogorov-Smirnov for numbers, chi-square for categories and for missing values). What it cannot judge it says in one
sentence, and then raises no alarm.
"""

import argparse
import base64
import bisect
import csv
import io
import json
import math
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from scipy.stats import chi2, kstwobign

NAMESPACE = "/aws/sagemaker/Endpoints/data-metrics"
SIGNIFICANCE = 0.01
"""Chance of a false alarm in one run, shared by all features (Bonferroni)."""

LEAST_SHARE = 0.0001
"""Stands for a share of nothing, whose logarithm there is not."""

MISSING = ("", "na", "nan", "null")
"""How a cell says that it has no value, in capitals or not; abalone/schema.py of the build product has the same."""

METRICS_A_CALL = 500
"""PutMetricData takes 1,000."""


class NothingToSayError(Exception):
    """There is no judgement; the text is the sentence that says why."""


class UnreadableError(Exception):
    """A captured record holds no rows that can be read; the text says why."""


@dataclass(frozen=True)
class Column:
    """One feature as it was when the model was trained."""

    name: str
    missing: float
    """Share of the rows without a value."""
    shares: tuple[float, ...]
    """Of the rows with a value, the share in each bin."""
    is_number: bool
    edges: tuple[float, ...] = ()
    """Of a number, the inner edges of its bins. A value that is an edge is in the bin above it."""
    values: tuple[str, ...] = ()
    """Of a category, the value of each bin."""

    def bin(self, cell: object) -> int | None:
        """Return the bin of a cell: None without a value, the one behind all others for a category that is new.

        Raises:
            UnreadableError: it should be a number, and is none.

        """
        text = "" if cell is None else str(cell).strip()
        if text.lower() in MISSING:
            return None
        if not self.is_number:
            return self.values.index(text) if text in self.values else len(self.values)
        try:
            value = float(text)
        except ValueError:
            raise UnreadableError(f"{self.name} is {text[:40]!r}, which is no number") from None
        return bisect.bisect_right(self.edges, value) if math.isfinite(value) else None


@dataclass(frozen=True)
class Baseline:
    """The data that the model was trained on."""

    rows: int
    columns: tuple[Column, ...]
    """In the order of the request's cells."""

    @classmethod
    def read(cls, text: str) -> "Baseline":
        """Read baseline.json.

        Raises:
            ValueError: it is not what this job knows.

        """
        found = json.loads(text)
        if found["version"] != 1:
            raise ValueError(f"version {found['version']} is not 1")
        columns = []
        for name, one in found["columns"].items():
            if one["kind"] == "numeric":
                # A column that had no value has neither.
                edges, shares = tuple(map(float, one["edges"])), tuple(map(float, one["shares"])) or (0.0,)
                if len(shares) != len(edges) + 1:
                    raise ValueError(f"{name} has {len(edges)} edges and {len(shares)} shares")
                columns.append(Column(name, float(one["missing"]), shares, is_number=True, edges=edges))
            else:
                values = one["values"]
                shares = tuple(map(float, values.values()))
                columns.append(
                    Column(name, float(one["missing"]), (*shares, 0.0), is_number=False, values=tuple(values))
                )
        if not columns:
            raise ValueError("it has no columns")
        return cls(int(found["rows"]), tuple(columns))


@dataclass
class Seen:
    """The captured rows, counted."""

    rows: int = 0
    unreadable: int = 0
    example: str = ""
    """What the first record that could not be read looked like."""
    bins: dict[str, Counter[int]] = field(default_factory=dict)
    missing: Counter[str] = field(default_factory=Counter)

    def add(self, lines: Iterable[str], baseline: Baseline) -> None:
        """Count the rows of captured records, of which each line is one."""
        for line in filter(str.strip, lines):
            try:
                # All cells of a record are read before the first is counted.
                found = [
                    [(column, column.bin(cell)) for column, cell in zip(baseline.columns, row, strict=True)]
                    for row in rows(line, [column.name for column in baseline.columns])
                ]
            except UnreadableError as error:
                self.unreadable += 1
                self.example = self.example or str(error)
                continue
            self.rows += len(found)
            for column, place in (cell for row in found for cell in row):
                if place is None:
                    self.missing[column.name] += 1
                else:
                    self.bins.setdefault(column.name, Counter())[place] += 1


@dataclass(frozen=True)
class Drift:
    """How far a feature is from its baseline."""

    name: str
    stability_index: float
    probability: float
    """That a difference as large comes by chance."""
    drifted: bool


def rows(line: str, names: list[str]) -> list[list[object]]:
    """Return the rows of one captured record, their cells in the order of names.

    Raises:
        UnreadableError: it is not what SageMaker writes, or its rows have other columns.

    """
    try:
        captured = json.loads(line)["captureData"]["endpointInput"]
        text, encoding = captured["data"], captured.get("encoding", "")
        kind = str(captured.get("observedContentType", "")).split(";")[0].strip().lower()
        if encoding == "BASE64":
            text = base64.b64decode(text).decode("utf-8-sig")
        if encoding == "JSON" or "json" in kind:
            return list(_of_json(json.loads(text), names))
        if encoding == "CSV" or kind == "text/csv":
            return list(_of_csv(text, names))
    except (AttributeError, KeyError, TypeError, ValueError, csv.Error, RecursionError) as error:
        raise UnreadableError(f"not a captured request: {error!r:.100}") from error
    raise UnreadableError(f"content type {kind or 'none'} is neither CSV nor JSON")


def _of_csv(text: str, names: list[str]) -> Iterator[list[object]]:
    lines = [[cell.strip() for cell in cells] for cells in csv.reader(io.StringIO(text)) if cells]
    order = list(range(len(names)))
    if lines and set(lines[0]) & set(names):
        header = lines.pop(0)
        order = [header.index(name) for name in names]
    elif lines and len(lines[0]) != len(names):
        raise UnreadableError(f"a row has {len(lines[0])} cells, the baseline has {len(names)} columns")
    for cells in lines:
        if len(cells) <= max(order):
            raise UnreadableError(f"a row has {len(cells)} cells, too few")
        yield [cells[index] for index in order]


def _of_json(document: Any, names: list[str]) -> Iterator[list[object]]:
    instances = document["instances"] if isinstance(document, dict) else document
    for row in instances:
        cells = [row[name] for name in names] if isinstance(row, dict) else list(row)
        if len(cells) != len(names):
            raise UnreadableError(f"a row has {len(cells)} cells, the baseline has {len(names)} columns")
        yield cells


def judge(baseline: Baseline, seen: Seen, least_rows: int, most_stability_index: float) -> list[Drift]:
    """Compare the captured rows with the baseline, feature by feature.

    Raises:
        NothingToSayError: too few rows, or too many that cannot be read.

    """
    if not seen.rows and not seen.unreadable:
        raise NothingToSayError("No request was captured in this time, so nothing is judged: no traffic is not health.")
    if seen.unreadable > seen.rows:
        raise NothingToSayError(
            f"{seen.unreadable} captured records cannot be read and {seen.rows} rows can, so nothing is judged; the "
            f"first: {seen.example}."
        )
    if seen.rows < least_rows:
        raise NothingToSayError(
            f"Only {seen.rows} rows were captured, fewer than monitoring.least_rows = {least_rows}, so nothing is "
            "judged: the difference would be chance."
        )
    significance = SIGNIFICANCE / len(baseline.columns)
    found = []
    for column in baseline.columns:
        index, probability = _compare(column, baseline.rows, seen)
        drifted = index >= most_stability_index and probability < significance
        found.append(Drift(column.name, index, probability, drifted))
    return found


def _compare(column: Column, baseline_rows: int, seen: Seen) -> tuple[float, float]:
    """Return the population stability index of all bins, and how probable the difference is by chance."""
    counts = [seen.bins.get(column.name, Counter())[place] for place in range(len(column.shares))]
    missing, valued = seen.missing[column.name], sum(counts)
    expected = [(1 - column.missing) * share for share in column.shares] + [column.missing]
    index = 0.0
    for share, count in zip(expected, [*counts, missing], strict=True):
        before, now = max(share, LEAST_SHARE), max(count / seen.rows, LEAST_SHARE)
        index += (now - before) * math.log(now / before)
    probability = _chi_square([1 - column.missing, column.missing], [valued, missing])
    if valued and column.is_number:
        probability = min(probability, _kolmogorov_smirnov(column, baseline_rows, counts))
    elif valued:
        probability = min(probability, _chi_square(column.shares, counts))
    return index, probability


def _kolmogorov_smirnov(column: Column, baseline_rows: int, counts: list[int]) -> float:
    """Test two samples by their distances at the edges: no more than the whole distance, so no alarm too many."""
    valued, distance, before, now = sum(counts), 0.0, 0.0, 0.0
    for share, count in zip(column.shares, counts, strict=True):
        before, now = before + share, now + count / valued
        distance = max(distance, abs(before - now))
    trained = max(1.0, baseline_rows * (1 - column.missing))
    return float(kstwobign.sf(distance * math.sqrt(valued * trained / (valued + trained))))


def _chi_square(shares: Iterable[float], counts: Iterable[int]) -> float:
    pairs = [(max(share, LEAST_SHARE), count) for share, count in zip(shares, counts, strict=True)]
    rows, whole = sum(count for _, count in pairs), sum(share for share, _ in pairs)
    distance = sum((count - rows * share / whole) ** 2 / (rows * share / whole) for share, count in pairs)
    return float(chi2.sf(distance, len(pairs) - 1))


def hours(now: datetime, count: int) -> list[str]:
    """Return the folders that SageMaker has captured into, of this hour and those before it."""
    return [(now - timedelta(hours=back)).strftime("%Y/%m/%d/%H/") for back in range(count + 1)]


def captured(s3: Any, url: str, folders: Iterable[str]) -> Iterator[str]:
    """Yield the captured records below a URL, of some hours."""
    bucket, prefix = _split(url)
    for folder in folders:
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{prefix}/{folder}"):
            for one in page.get("Contents", []):
                body = s3.get_object(Bucket=bucket, Key=one["Key"])["Body"]
                yield from (line.decode("utf-8", errors="replace") for line in body.iter_lines())


def read_baseline(s3: Any, url: str) -> Baseline:
    """Read the baseline.

    Raises:
        NothingToSayError: there is none, or one of another form.

    """
    bucket, key = _split(url)
    try:
        return Baseline.read(s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode())
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise NothingToSayError(f"The baseline {url} is none that this job knows: {error!r:.100}.") from error
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchKey":
            raise
        raise NothingToSayError(f"There is no baseline {url}, so nothing is judged.") from error


def tell(cloudwatch: Any, endpoint: str, seen: Seen, found: list[Drift] | None) -> None:
    """Write the metrics. Without a judgement there is no metric that an alarm looks at."""
    own = [{"Name": "EndpointName", "Value": endpoint}]
    metrics: list[dict[str, Any]] = [
        {"MetricName": "CapturedRows", "Dimensions": own, "Value": seen.rows, "Unit": "Count"},
        {"MetricName": "UnreadableRecords", "Dimensions": own, "Value": seen.unreadable, "Unit": "Count"},
    ]
    if found is not None:
        drifted = sum(one.drifted for one in found)
        metrics.append({"MetricName": "DriftedFeatures", "Dimensions": own, "Value": drifted, "Unit": "Count"})
        metrics += [
            {
                "MetricName": "PopulationStabilityIndex",
                "Dimensions": [*own, {"Name": "Feature", "Value": one.name}],
                "Value": one.stability_index,
            }
            for one in found
        ]
    for start in range(0, len(metrics), METRICS_A_CALL):
        cloudwatch.put_metric_data(Namespace=NAMESPACE, MetricData=metrics[start : start + METRICS_A_CALL])


def report(seen: Seen, found: list[Drift] | None, sentence: str) -> Mapping[str, Any]:
    """Return what the job leaves in S3."""
    return {
        "sentence": sentence,
        "rows": seen.rows,
        "unreadable_records": seen.unreadable,
        "features": {
            one.name: {
                "drifted": one.drifted,
                "population_stability_index": round(one.stability_index, 4),
                "probability_of_chance": one.probability,
            }
            for one in found or []
        },
    }


def summary(endpoint: str, seen: Seen, found: list[Drift]) -> str:
    """Return the sentence that reports a judgement."""
    far = [f"{one.name} ({one.stability_index:.2f})" for one in found if one.drifted]
    told = f"{', '.join(far)} of {endpoint} drifted" if far else f"No feature of {endpoint} drifted"
    unreadable = f" {seen.unreadable} records could not be read; the first: {seen.example}." if seen.unreadable else ""
    return f"{told}, by {seen.rows} captured rows.{unreadable}"


def run(s3: Any, cloudwatch: Any, options: argparse.Namespace, now: datetime) -> str:
    """Do the whole job; return the sentence that reports it."""
    seen, found = Seen(), None
    try:
        baseline = read_baseline(s3, options.baseline)
        seen.add(captured(s3, options.captured, hours(now, options.hours)), baseline)
        found = judge(baseline, seen, options.least_rows, options.stability_index)
        sentence = summary(options.endpoint, seen, found)
    except NothingToSayError as error:
        sentence = str(error)
    tell(cloudwatch, options.endpoint, seen, found)
    text = json.dumps(report(seen, found, sentence), indent=2, sort_keys=True)
    (Path(options.output) / "drift.json").write_text(text + "\n", encoding="utf-8")
    return sentence


def _split(url: str) -> tuple[str, str]:
    bucket, _, key = url[len("s3://") :].partition("/")
    return bucket, key.rstrip("/")


def main(arguments: list[str] | None = None) -> int:
    """Run the job; return the exit status."""
    parser = argparse.ArgumentParser(description="Compare captured requests with the baseline of the model.")
    for name, kind in {
        "endpoint": str,
        "captured": str,
        "baseline": str,
        "output": str,
        "region": str,
        "hours": int,
        "least-rows": int,
        "stability-index": float,
    }.items():
        parser.add_argument(f"--{name}", type=kind, required=True)
    options = parser.parse_args(arguments)
    session = boto3.Session(region_name=options.region)
    try:
        print(run(session.client("s3"), session.client("cloudwatch"), options, datetime.now(UTC)))
    except (ClientError, BotoCoreError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
