"""A reading as a scraper reads it: every metric has its meaning and type, names follow Prometheus's rules, buckets add up."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfare.domain.metrics import ABOVE, BOUNDS_MS, COUNTED, TIMED, TOTAL_MS, Counters, Family, named
from fanfare.domain.metrics_text import CONTENT_TYPE, write_text
from fanfare.domain.reading import Held, Reading
from tests.factories import NOW
from tests.prometheus_text import read_metrics, value_of

_COUNTS = st.integers(1, 10**12)
_TIMES = st.fixed_dictionaries({}, optional={named(family, key): _COUNTS for family in TIMED for key in (*map(str, BOUNDS_MS), ABOVE, TOTAL_MS)})
_PLAIN = st.fixed_dictionaries({}, optional={family.value: _COUNTS for family, described in COUNTED.items() if described.label is None})
_LABELLED = st.dictionaries(st.sampled_from([named(family, "UNREGISTERED") for family, described in COUNTED.items() if described.label]), _COUNTS)


def _text(counters: Counters) -> str:
    return write_text(Reading(NOW, counters))


@given(_TIMES, _PLAIN, _LABELLED)
def test_whatever_was_counted_is_a_text_that_scrapers_take(times: dict[str, int], plain: dict[str, int], labelled: dict[str, int]) -> None:
    metrics = read_metrics(_text({**times, **plain, **labelled}))
    assert {name.removesuffix("_total") for name in metrics} >= {described.name for described in (*COUNTED.values(), *TIMED.values())}


def test_numbers_stand_under_their_labels() -> None:
    counters = {"accepted": 3, "failed.UNREGISTERED": 2, "failed.HTTP_502": 1, "sent.android": 5, "retired.idle": 4, "webhooks.delivered": 6}
    metrics = read_metrics(_text(counters))
    assert value_of(metrics, "fanfare_notifications_accepted_total") == 3
    assert value_of(metrics, "fanfare_messages_failed_total", code="UNREGISTERED") == 2
    assert value_of(metrics, "fanfare_messages_failed_total", code="HTTP_502") == 1
    assert value_of(metrics, "fanfare_messages_sent_total", platform="android") == 5
    assert value_of(metrics, "fanfare_targets_retired_total", reason="idle") == 4
    assert value_of(metrics, "fanfare_webhook_deliveries_total", outcome="delivered") == 6
    assert value_of(metrics, "fanfare_messages_retried_total") == 0


def test_buckets_are_cumulative_and_seconds_are_exact() -> None:
    text = _text({"send_delay.500": 2, "send_delay.10000": 3, "send_delay.inf": 1, "send_delay.ms": 100_012_345})
    metrics, name = read_metrics(text), "fanfare_message_send_delay_seconds"
    read = [value_of(metrics, f"{name}_bucket", le=bound) for bound in ("0.25", "0.5", "5", "10", "86400", "+Inf")]
    assert read == [0, 2, 2, 5, 5, 6]
    assert f"{name}_sum 100012.345\n" in text
    assert value_of(metrics, f"{name}_count") == 6


def test_what_is_so_now_are_gauges() -> None:
    reading = Reading(NOW, {}, Held(2, 1), 3, {"sent": 7, "failed": 0, "retrying": 1, "unsent": 9})
    metrics = read_metrics(write_text(reading))
    assert [value_of(metrics, f"fanfare_{name}") for name in ("tenants_breaker_open", "tenants_quarantined", "notifications_sending")] == [2, 1, 3]
    assert [value_of(metrics, "fanfare_messages_sending", outcome=name) for name in ("sent", "unsent")] == [7, 9]
    assert metrics["fanfare_messages_sending"].kind == "gauge"


def test_label_of_any_letters_is_escaped() -> None:
    text = _text({named(Family.FAILED, 'a"b\\c\nd'): 1})
    assert value_of(read_metrics(text), "fanfare_messages_failed_total", code='a\\"b\\\\c\\nd') == 1


def test_content_type_names_the_formats_version() -> None:
    assert CONTENT_TYPE == "text/plain; version=0.0.4; charset=utf-8"


@pytest.mark.parametrize(
    "text",
    [
        "# HELP a_total A.\n# TYPE a_total counter\na_total 1",
        "# HELP a A.\n# TYPE a counter\na 1\n",
        "# HELP a_total A.\n# TYPE a_total counter\nb_total 1\n",
        "# HELP a_total A.\n# TYPE a_total counter\na_total 1\na_total 1\n",
        '# HELP a_total A.\n# TYPE a_total counter\na_total{x="1" y="2"} 1\n',
        "# HELP a_total A.\n# TYPE a_total counter\na_total -1\n",
        '# HELP a_seconds A.\n# TYPE a_seconds histogram\na_seconds_bucket{le="1"} 1\na_seconds_sum 1\na_seconds_count 1\n',
    ],
)
def test_the_reader_of_these_tests_takes_no_broken_text(text: str) -> None:
    with pytest.raises(AssertionError):
        read_metrics(text)
