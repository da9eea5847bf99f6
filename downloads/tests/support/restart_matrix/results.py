"""Results of cells as JSON lines, which a later run continues, and the tables of docs/reliability.md from them.

`python -m downloads.tests.support.restart_matrix.results <folder>` prints the tables.
"""

import dataclasses
import os
import statistics
import sys

from downloads.tests.support.restart_matrix.cells import CellResult
from downloads.tests.support.restart_matrix.faults import FAULTS, PHASES
from downloads.tests.support.result_file import Record, ResultFile

TEST_LINK = "[`test_it_recovers`](../downloads/tests/system/test_restart_matrix.py)"


class MatrixResults(ResultFile):
    """The results of the restart matrix."""

    def __init__(self) -> None:
        super().__init__("matrix.jsonl")

    def add(self, result: CellResult) -> None:
        self.append(dataclasses.asdict(result))

    def has(self, column: str, kind: str, phase: str) -> bool:
        """Tell whether a cell was measured by an earlier run, and kept all promises."""
        return any(
            (record["column"], record["kind"], record["phase"]) == (column, kind, phase) and not record["problems"]
            for record in self.records()
        )


def newest_records(records: list[Record]) -> dict[tuple[str, str, str], Record]:
    """Return the last record of each cell."""
    return {(record["column"], record["kind"], record["phase"]): record for record in records}


def matrix_table(records: list[Record]) -> str:
    """Return a table in Markdown: a line for each fault, the recovery in seconds in each phase, and sums."""
    cells = newest_records(records)
    head = ["fault", *PHASES, "recovery, median / max", "page behind, max", "lost", "doubled", "stuck", "test"]
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for fault in FAULTS:
        found_cells = [cells.get((fault.column, fault.kind, phase)) for phase in PHASES]
        measured = [cell for cell in found_cells if cell]
        if measured:
            lines.append(_matrix_line(f"{fault.column}: {fault.kind}", found_cells, measured))
    return "\n".join(lines)


def _matrix_line(name: str, cells: list[Record | None], measured: list[Record]) -> str:
    recoveries = [cell["recovery_seconds"] for cell in measured if cell["recovery_seconds"] is not None]
    pages = [cell["page_seconds"] for cell in measured if cell["page_seconds"] is not None]
    summary = f"{statistics.median(recoveries):.1f} / {max(recoveries):.1f} s" if recoveries else "none"
    sums = [str(sum(cell[name] for cell in measured)) for name in ("lost", "doubled", "stuck")]
    columns = [name, *map(_cell_text, cells), summary, f"{max(pages):.1f} s" if pages else "none", *sums, TEST_LINK]
    return f"| {' | '.join(columns)} |"


def _cell_text(cell: Record | None) -> str:
    if cell is None:
        return "–"
    if cell["problems"] or cell["recovery_seconds"] is None:
        return "**not kept**"
    return f"{cell['recovery_seconds']:.1f}"


def main() -> None:
    os.environ["RELIABILITY_RESULTS"] = sys.argv[1]
    records = MatrixResults().records()
    print(matrix_table(records))  # noqa: T201
    for record in newest_records(records).values():
        if record["problems"]:
            print(record["column"], record["kind"], record["phase"], record["problems"])  # noqa: T201


if __name__ == "__main__":
    main()
