import io

from django.core.management.base import OutputWrapper

from ytarchive.supervisor.startup import line_writer


def test_it_flushes_each_line() -> None:
    written = io.BytesIO()
    # The buffer is larger than the line, so only a flush writes it.
    output = OutputWrapper(io.TextIOWrapper(io.BufferedWriter(written)))
    line_writer(output)("Ready")
    assert written.getvalue() == b"Ready\n"


def test_it_survives_a_closed_pipe() -> None:
    class ClosedPipe(io.StringIO):
        def flush(self) -> None:
            raise BrokenPipeError

    line_writer(OutputWrapper(ClosedPipe()))("Ready")
