"""Tables of cases that one test goes through: for functions so quick that a test of pytest's costs more than the case.

Each test of pytest's costs about 15 ms with `-n 3`: it is collected by every process, and reported three times.
"""

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import Any

Test = Callable[..., None]


def each_case(names: str | tuple[str, ...], cases: Iterable[Any]) -> Callable[[Test], Test]:
    """Call a test once for each case, with `names` for its values: `pytest.mark.parametrize` within one test.

    All cases are tried; those that fail are raised together, each with its values. Fixtures are shared by all cases.
    """
    rows = [{names: case} if isinstance(names, str) else dict(zip(names, case, strict=True)) for case in cases]

    def decorate(test: Test) -> Test:
        @functools.wraps(test)
        def go_through_cases(*instance: object, **fixtures: object) -> None:
            assert rows
            failures = [error for row in rows if (error := _call(functools.partial(test, *instance), fixtures, row))]
            if failures:
                raise ExceptionGroup(f"{len(failures)} of {len(rows)} cases", failures)

        signature = inspect.signature(test)
        fixtures = [
            parameter for parameter in signature.parameters.values() if parameter.name not in {*_as_tuple(names)}
        ]
        go_through_cases.__signature__ = signature.replace(parameters=fixtures)  # type: ignore[attr-defined]
        return go_through_cases

    return decorate


def _as_tuple(names: str | tuple[str, ...]) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else names


def _call(test: Test, fixtures: dict[str, object], row: dict[str, object]) -> Exception | None:
    try:
        test(**fixtures, **row)
    except Exception as error:
        error.add_note(f"in the case {row!r}")
        return error
    return None
