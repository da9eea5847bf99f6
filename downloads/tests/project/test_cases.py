"""Tables of cases within one test: each case is tried, and those that fail are named."""

import pytest

from downloads.tests.support.cases import each_case


def test_it_names_each_case_that_fails_and_tries_the_others():
    tried = []

    @each_case("left", [1, 2])
    @each_case(("right", "total"), [(1, 2), (2, 4), (3, 4)])
    def add(left, right, total):
        tried.append((left, right))
        assert left + right == total

    with pytest.raises(ExceptionGroup, match="2 of 2 cases") as raised:
        add()

    assert tried == [(1, 1), (1, 2), (1, 3), (2, 1), (2, 2), (2, 3)]
    first, second = raised.value.exceptions
    assert [error.__notes__ for error in first.exceptions] == [["in the case {'right': 2, 'total': 4}"]]
    assert len(second.exceptions) == 2
    assert first.__notes__ == ["in the case {'left': 1}"]


def test_a_table_without_cases_fails():
    @each_case("value", [])
    def check(value):
        pass

    with pytest.raises(AssertionError):
        check()


@each_case("number", [1, 2])
def test_fixtures_are_given_to_each_case(tmp_path, number):
    (tmp_path / str(number)).touch()
    assert len(list(tmp_path.iterdir())) == number
