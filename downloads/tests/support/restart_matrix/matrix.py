"""The archives of a matrix, one for each database, each with an open page; a broken one is replaced by a new one."""

import contextlib
import tempfile
from pathlib import Path

import requests
from playwright.sync_api import Browser, BrowserContext

from benchmarks.library import postgres
from downloads.tests.support import required_programs
from downloads.tests.support.media_server import MediaServer
from downloads.tests.support.restart_matrix.archive import WATCHDOG_SECONDS, MatrixArchive
from downloads.tests.support.restart_matrix.cells import Cell, CellResult
from downloads.tests.support.restart_matrix.faults import POSTGRES, SHORT_WATCHDOG, Fault
from downloads.tests.support.restart_matrix.open_page import OpenPage


class ArchiveWithPage:
    """A running archive, a session of its superuser, and a page that stays open."""

    def __init__(self, archive: MatrixArchive, browser: Browser, *, merges: bool) -> None:
        self.archive = archive
        self.context: BrowserContext | None = None
        archive.start()
        self.session: requests.Session = archive.sign_in()
        if merges:
            archive.merge_undisturbed(self.session)
        self.context = browser.new_context()
        devtools = browser.new_browser_cdp_session()

        def find_renderers() -> set[int]:
            processes = devtools.send("SystemInfo.getProcessInfo")["processInfo"]
            return {int(process["id"]) for process in processes if process["type"] == "renderer"}

        self.page = OpenPage(self.context, archive, find_renderers)

    def close(self) -> None:
        if self.context:
            self.context.close()
        self.archive.close()


class Matrix:
    """Runs cells: `Matrix(media_server, browser, prepared).run((fault, phase))`."""

    def __init__(self, media_server: MediaServer, browser: Browser, prepared: Path, *, bystander: bool = True) -> None:
        self.media_server = media_server
        self.browser = browser
        self.prepared = prepared
        self.bystander = bystander
        self._running: dict[str, ArchiveWithPage] = {}  # by setup
        self._exits = contextlib.ExitStack()
        self._postgres: postgres.PostgresServer | None = None

    def run(self, *stages: tuple[Fault, str]) -> list[CellResult]:
        """Run the stages of one download; after problems, the next gets a new archive."""
        setup = stages[0][0].setup
        running = self._running.get(setup) or self._start(setup)
        if stages[0][0].column == "leading bridge":
            running.archive.start_extra_bridge()
        cell = Cell(running.archive, running.page, running.session, bystander=self.bystander)
        try:
            results = cell.run(list(stages))
        finally:
            running.archive.stop_extra_bridge()
        if results[-1].problems:
            self._running.pop(setup).close()
        return results

    def close(self) -> None:
        for running in self._running.values():
            running.close()
        self._exits.close()

    def _start(self, setup: str) -> ArchiveWithPage:
        folder = Path(self._exits.enter_context(tempfile.TemporaryDirectory(prefix="yta-matrix-")))
        server = self._postgres_server() if setup == POSTGRES else None
        settings = {"YTARCHIVE_WATCHDOG_SECONDS": str(WATCHDOG_SECONDS)} if setup == SHORT_WATCHDOG else {}
        archive = MatrixArchive(folder, self.media_server, server, settings, self.prepared)
        try:
            self._running[setup] = ArchiveWithPage(archive, self.browser, merges=self.bystander)
        except BaseException:
            archive.close()
            raise
        return self._running[setup]

    def _postgres_server(self) -> postgres.PostgresServer:
        """Return a server with an empty database."""
        binaries = Path(required_programs.require_program("postgres")).resolve().parent
        return self._exits.enter_context(postgres.temporary_server(binaries))
