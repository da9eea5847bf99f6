"""Results of health checks."""

import dataclasses


class CheckFailed(Exception):
    """A component does not work; the message tells the operator why."""


@dataclasses.dataclass(frozen=True, slots=True)
class CheckResult:
    """The result of one check; `last_seen_at` is Unix time, None if the component was never seen alive."""

    ok: bool
    last_seen_at: float | None
    problem: str = ""
    cause: str = ""  # for the log only
    is_consequence: bool = False  # of the failure of another component, which is reported itself
