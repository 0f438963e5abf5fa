"""The fault rules in force. The first one that matches and is not used up decides."""

from __future__ import annotations

from dataclasses import dataclass, field

from local.fcm.fault_rules import FaultAnswer, FaultRule
from local.fcm.send_request import Target


@dataclass(slots=True)
class ActiveFault:
    """A rule in force and how often it was applied."""

    id: str
    rule: FaultRule
    hits: int = 0

    def document(self) -> dict[str, object]:
        """Return the rule as the admin API shows it."""
        content = self.rule.model_dump(mode="json", exclude_defaults=True)
        return {**content, "id": self.id, "times": self.rule.times, "hits": self.hits}


@dataclass(slots=True)
class FaultBook:
    """The rules in force, in the order they were told; a rule of a known id replaces it in place."""

    _faults: dict[str, ActiveFault] = field(default_factory=dict)
    _serial: int = 0

    def add(self, rule: FaultRule) -> ActiveFault:
        """Put a rule in force."""
        self._serial += 1
        fault = ActiveFault(rule.id or f"fault-{self._serial}", rule)
        self._faults[fault.id] = fault
        return fault

    def remove(self, fault_id: str) -> bool:
        """Take a rule out of force; False when there is none of that id."""
        return self._faults.pop(fault_id, None) is not None

    def clear(self) -> None:
        """Take every rule out of force."""
        self._faults.clear()

    def all(self) -> list[ActiveFault]:
        """Return the rules in their order."""
        return list(self._faults.values())

    def take(self, project: str, target: Target, attempt: int) -> FaultAnswer | None:
        """Return the answer of the first matching rule and count its use."""
        for fault in self._faults.values():
            if fault.hits != fault.rule.times and fault.rule.match.accepts(project, target, attempt):
                fault.hits += 1
                return fault.rule.answer
        return None
