"""A strict reader of Prometheus's text format, version 0.0.4: what it takes, a scraper takes, and names are as they should be."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import pairwise

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_SAMPLE = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (-?[0-9]+(?:\.[0-9]+)?|NaN|[+-]Inf)")
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)')
_UNITS = ("seconds", "bytes")
_ENDINGS = {"histogram": ("_bucket", "_sum", "_count")}

Sample = tuple[str, tuple[tuple[str, str], ...]]


@dataclass
class Metric:
    """One metric: its type, what it means, and its samples by name and labels."""

    kind: str
    meaning: str
    samples: dict[Sample, float] = field(default_factory=dict)


def read_metrics(text: str) -> dict[str, Metric]:
    """Read a text; AssertionError for whatever a scraper or `promtool check metrics` would not take."""
    assert text.endswith("\n")
    found: dict[str, Metric] = {}
    name = meaning = ""
    for line in text[:-1].split("\n"):
        if line.startswith("# HELP "):
            name, _, meaning = line.removeprefix("# HELP ").partition(" ")
            assert name not in found, f"{name} is told of twice"
            assert meaning
        elif line.startswith("# TYPE "):
            typed, kind = line.removeprefix("# TYPE ").split(" ")
            assert typed == name, "a type follows the help of the same metric"
            found[name] = Metric(kind, meaning)
        else:
            sample, value = _read_sample(line)
            assert _is_of(sample[0], name, found[name].kind), f"{sample[0]} stands below {name}"
            assert sample not in found[name].samples, f"{sample} is there twice"
            found[name].samples[sample] = value
    for metric, described in found.items():
        _check(metric, described)
    return found


def value_of(metrics: dict[str, Metric], name: str, **labels: str) -> float:
    """One sample's value; none where it is not there."""
    place = (name, tuple(labels.items()))
    return next((metric.samples[place] for metric in metrics.values() if place in metric.samples), 0.0)


def _read_sample(line: str) -> tuple[Sample, float]:
    match = _SAMPLE.fullmatch(line)
    assert match is not None, f"no sample: {line!r}"
    inside = match[2] or ""
    labels = _LABEL.findall(inside)
    assert _LABEL.sub("", inside) == "", f"no labels: {inside!r}"
    assert len({name for name, _ in labels}) == len(labels)
    return (match[1], tuple(labels)), float(match[3])


def _is_of(sample: str, name: str, kind: str) -> bool:
    return sample in [f"{name}{ending}" for ending in _ENDINGS.get(kind, ("",))]


def _check(name: str, metric: Metric) -> None:
    assert _NAME.fullmatch(name), f"{name} is no name"
    assert (metric.kind == "counter") == name.endswith("_total"), f"{name} ends as its type says"
    assert not name.endswith(("_count", "_sum", "_bucket")), f"{name} ends like a part of a histogram"
    assert metric.kind != "histogram" or name.endswith(_UNITS), f"{name} says no unit"
    if metric.kind == "counter":
        assert all(value >= 0 for value in metric.samples.values())
    if metric.kind == "histogram":
        _check_histogram(name, metric)


def _check_histogram(name: str, metric: Metric) -> None:
    buckets = [(labels, value) for (sample, labels), value in metric.samples.items() if sample == f"{name}_bucket"]
    bounds = [float(dict(labels)["le"]) for labels, _ in buckets]
    assert bounds[-1] == float("inf")
    assert all(lower < upper for lower, upper in pairwise(bounds))
    values = [value for _, value in buckets]
    assert all(lower <= upper for lower, upper in pairwise(values))
    assert metric.samples[f"{name}_count", ()] == values[-1]
    assert (f"{name}_sum", ()) in metric.samples
