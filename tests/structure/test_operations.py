"""The operators' documents are about what there is: every alert has its entry, every number of capacity and cost is the code's."""

from __future__ import annotations

import re
from collections.abc import Iterable

from fanfare.domain.cost import broadcast_operations, dollars, shards_for
from fanfare.domain.prices import Edition
from fanfare.domain.receipt_cost import receipt_operations
from tests.structure.cloud_needs import words_logged
from tests.structure.documents import rows, section
from tests.structure.infra_source import Block, read, resources, tables
from tests.structure.source import ROOT
from tests.structure.test_indexes import COLLECTIONS

ENTRY = ("Means", "Do", "Over")
DEVICES = 100_000_000
_TITLE = re.compile(r"docs/operations\.md, ([^:.]+)[:.]")
_HEADING = re.compile(r"^# The alerts\n(.*?)^# ", re.MULTILINE | re.DOTALL)
_TEMPLATE = re.compile(r"\$\{each\.value\.title\}")


def document(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def alerts() -> set[str]:
    """What every alert's text says that its entry is called."""
    lines = tables()["alarming_lines"].values()
    found: set[str] = set()
    for name, policy in resources("google_monitoring_alert_policy").items():
        text = policy["documentation"][0]["content"]
        titles = [line["title"] for line in lines] if _TEMPLATE.search(text) else _TITLE.findall(text)
        assert titles, f"the alert {name} points to no entry"
        found.update(titles)
    return found


def find_incomplete(text: str, headings: Iterable[str]) -> list[str]:
    """Find entries that leave out what an alert means, what to do, or when it is over."""
    entries = {heading: section(text, heading) for heading in headings}
    return sorted(
        f"{heading}: {part}"
        for heading, entry in entries.items()
        for part in ENTRY
        if not re.search(rf"^\*\*.*\b{part}\b", entry, re.MULTILINE | re.IGNORECASE)
    )


def test_every_alert_has_an_entry_and_every_entry_its_alert() -> None:
    [part] = _HEADING.findall(document("operations.md"))
    assert set(re.findall(r"^## (.+)$", part, re.MULTILINE)) == alerts()


def test_an_entry_says_what_it_means_what_to_do_and_when_it_is_over() -> None:
    assert find_incomplete(document("operations.md"), alerts()) == []


def test_an_entry_names_the_line_that_its_alert_looks_for() -> None:
    text = document("operations.md")
    missing = [line for line, alert in tables()["alarming_lines"].items() if f"`{line}`" not in section(text, alert["title"])]
    assert missing == []
    assert set(tables()["alarming_lines"]) <= words_logged()


def test_ticks_and_queues_are_late_by_the_numbers_that_the_entries_say() -> None:
    text, words = document("operations.md"), {10: "ten", 30: "thirty"}
    ticks = section(text, "No ticks")
    assert all(f"`{name}`" in ticks and words[tick["minutes"]] in ticks for name, tick in tables()["ticks"].items())
    late = section(text, "Tasks are late")
    assert all(f"{queue['late_seconds']} s" in late and f"`{name}`" in late for name, queue in tables()["queues"].items())
    deep = section(text, "Queues are deep")
    assert all(f"{queue['deep']:,}" in deep for queue in tables()["queues"].values() if queue["deep"])


def instances(environment: str) -> dict[str, int]:
    chosen: Block = read((ROOT / f"infra/env/{environment}.tfvars").read_text(encoding="utf-8")).get("instances", {})
    return {name: chosen.get(name, {}).get("max", function["max_instances"]) for name, function in tables()["functions"].items()}


def test_the_capacity_of_each_function_is_what_is_deployed() -> None:
    dev, prod = instances("dev"), instances("prod")
    wanted = {
        name: [str(function["concurrency"]), str(dev[name]), str(prod[name]), f"{function['concurrency'] * prod[name]:,}"]
        for name, function in tables()["functions"].items()
    }
    table = {row[0]: row[1:] for row in rows(section(document("scaling.md"), "Capacity of the instances"))}
    assert table == wanted


def test_a_hundred_million_devices_cost_what_the_prices_say() -> None:
    told = {row[0]: row[1] for row in rows(section(document("scaling.md"), "A hundred million devices")) if len(row) == 2}
    sending, receipts = broadcast_operations(DEVICES, shards_for(DEVICES)), receipt_operations(DEVICES, DEVICES // 2)
    multi, single = Edition.STANDARD_MULTI_REGION, Edition.STANDARD_REGION
    assert told["what it costs"] == f"${dollars(sending, multi):.2f}; ${dollars(sending, single):.2f} with the database in one US region"
    assert told["its receipts, if all report `delivered` and half `read`"] == (
        f"${dollars(receipts, multi):,.0f}; ${dollars(receipts, single):,.0f} in one US region"
    )
    assert told["shards"].startswith(f"{shards_for(DEVICES):,}, of {DEVICES // shards_for(DEVICES)} devices each")
    assert told["writes of it"] == f"{sending.writes:,.0f}, 3 a chunk; {sending.reads:,.0f} reads"


def test_every_collection_has_its_place_in_the_data_model() -> None:
    cells = re.findall(r"^\| (`.+?) \| ", document("data-model.md"), re.MULTILINE)
    places = {word for cell in cells for path in re.findall(r"`([^`]+)`", cell) for word in path.split("/")}
    assert set(COLLECTIONS.values()) - places == set()


def test_an_entry_that_leaves_something_out_is_caught() -> None:
    text = "## A\n\n**Means.** x\n\n**Look and do.** y\n\n**Over.** z\n\n## B\n\n**Means.** x\n"
    assert find_incomplete(text, ["A", "B"]) == ["B: Do", "B: Over"]
