"""Restart matrix: each part killed and frozen in each phase of a download. Nothing is lost, doubled or stuck.

After each fault, an open page that is never reloaded shows what the rows say within 5 s of the recovery, the files are
those of the site byte for byte, and neither a process nor a file is left behind.
"""

from collections.abc import Iterator

import pytest

from downloads.tests.support.restart_matrix import gates
from downloads.tests.support.restart_matrix.faults import CELLS, FAULTS, KILL, cell_name
from downloads.tests.support.restart_matrix.matrix import Matrix
from downloads.tests.support.restart_matrix.results import MatrixResults

pytestmark = [pytest.mark.processes, pytest.mark.chromium]

FAULTS_BY_NAME = {(fault.column, fault.kind): fault for fault in FAULTS}
# What one download meets in the short form: the page's server, its own worker, and all messages.
SHORT_FORM = (
    ("web", KILL, gates.LOOKING_UP),
    ("worker", KILL, gates.DOWNLOADING),
    ("Redis emptied", "kill -9, files removed", gates.FILING),
)


@pytest.fixture(scope="module")
def matrix(session_media_server, browser, prepared_data) -> Iterator[Matrix]:
    matrix = Matrix(session_media_server, browser, prepared_data)
    yield matrix
    matrix.close()


@pytest.fixture
def small_matrix(session_media_server, browser, prepared_data) -> Iterator[Matrix]:
    matrix = Matrix(session_media_server, browser, prepared_data, bystander=False)
    yield matrix
    matrix.close()


@pytest.mark.alone
@pytest.mark.timeout(240)
def test_one_download_survives_a_fault_in_each_phase(small_matrix):
    stages = [(FAULTS_BY_NAME[column, kind], phase) for column, kind, phase in SHORT_FORM]
    results = small_matrix.run(*stages)
    assert [result.problems for result in results] == [[]] * len(stages)


@pytest.mark.soak
@pytest.mark.parametrize(("fault", "phase"), [pytest.param(*cell, id=cell_name(*cell)) for cell in CELLS])
def test_it_recovers(matrix, fault, phase):
    results = MatrixResults()
    if results.has(fault.column, fault.kind, phase):
        pytest.skip("measured by an earlier run")
    (result,) = matrix.run((fault, phase))
    results.add(result)
    print(f"\n{result}")  # noqa: T201
    assert result.problems == []
