"""The whole path of a message, simulated in memory: rows, worker, Redis, conflator, hub and pages."""

import asyncio
import dataclasses
import functools
import json
import subprocess
from collections import OrderedDict
from typing import Any

from downloads.bridge.conflator import Conflator
from downloads.bridge.video_state import RowState, VideoState
from downloads.fanout.frames import V1, V2, Frames
from downloads.fanout.hub import Hub, Snapshot
from downloads.progress import batch
from downloads.progress.message import ACTIVE_STATUSES, TERMINAL_STATUSES, Progress

VIDEO_IDS = ("a", "b", "c", "demo")
IDS_WITH_ROWS = VIDEO_IDS[:3]  # "demo" has no row
TICK_SECONDS = 0.2


class SimulatedPage:
    """The page's store, in Node, and the cards that the page shows."""

    def __init__(self, node: "subprocess.Popen[str]", archive: "PipelineSimulation") -> None:
        self.node = node
        self.archive = archive
        self.missing_ids: set[str] = set()
        self.list_wanted = False
        self.cards: dict[str, dict[str, Any]] = {}
        self._do("reset", rev=archive.rev)
        self.load()

    def _do(self, command: str, **rest: Any) -> Any:
        assert self.node.stdin
        assert self.node.stdout
        self.node.stdin.write(json.dumps({"do": command, **rest}) + "\n")
        self.node.stdin.flush()
        return json.loads(self.node.stdout.readline())

    def load(self) -> None:
        """Fetch the list anew."""
        self.list_wanted = False
        self.cards = {video_id: row.card() for video_id, row in self.archive.rows.items()}
        self.rev = self.archive.rev
        self._do("show", cards=self.cards, rev=self.rev)

    def fetch(self) -> None:
        """Fetch the cards that are missing, as the page does some time later."""
        if self.list_wanted:
            self.load()
        video_ids, self.missing_ids = self.missing_ids, set()
        for video_id in video_ids:
            row = self.archive.rows.get(video_id)
            if row:
                self.cards[video_id] = row.card()
            else:
                self._do("absent", id=video_id)
        self._do("show", cards=self.cards, rev=self.rev)

    def receive(self, text: str, now: float) -> bool:
        """Take a frame; tell whether a snapshot must be asked for."""
        reply = self._do("frame", frame=json.loads(text), now=now * 1000)
        self.missing_ids |= set(reply["cards"])
        self.list_wanted = self.list_wanted or reply["list"]
        return bool(reply["resync"])

    def states(self) -> dict[str, dict[str, Any]]:
        states: dict[str, dict[str, Any]] = self._do("states")
        return states


@dataclasses.dataclass
class SimulatedRow:
    """A row and its verbs, as models.py has them."""

    video_id: str
    status: str = "queued"
    attempt: int = 1
    percent: float | None = None
    past_states: set[tuple[str, int]] = dataclasses.field(default_factory=lambda: {("queued", 1)})

    def card(self) -> dict[str, Any]:
        return {"status": self.status, "attempt": self.attempt}

    def progress(self) -> Progress:
        return Progress(status=self.status, attempt=self.attempt, percent=self.percent)

    def as_row(self) -> RowState:
        return RowState(self.video_id, self.progress())

    def allows(self, verb: str) -> bool:
        return self.status in {
            "start": ("queued",),
            "advance": ACTIVE_STATUSES,
            "process": ("downloading",),
            "finish": ACTIVE_STATUSES,
            "fail": ACTIVE_STATUSES,
            "cancel": ("queued", *ACTIVE_STATUSES),
            "retry": ("failed", "cancelled"),
            "release": ACTIVE_STATUSES,
        }.get(verb, ())

    def do(self, verb: str, number: int) -> Progress:
        """Do what the verb does and return the message that it publishes."""
        if verb == "advance":
            self.percent = max(self.percent or 0.0, float(number))
            return Progress(attempt=self.attempt, percent=self.percent)
        ends = {"start": "downloading", "process": "processing", "finish": "complete", "fail": "failed"}
        self.status = {**ends, "cancel": "cancelled"}.get(verb, "queued")
        if self.status == "queued":
            self.attempt += 1
            self.percent = None
        if self.status == "complete":
            self.percent = 100.0
        self.past_states.add((self.status, self.attempt))
        return self.progress()


class InMemoryHub(Hub):
    """The fan-out, with a snapshot store in memory."""

    def __init__(self, archive: "PipelineSimulation") -> None:
        super().__init__()
        self.archive = archive

    async def read_snapshot(self) -> Snapshot:
        return Snapshot(dict(self.archive.head), list(self.archive.store.values()))


class RecordingTransport:
    """The transport of a page's socket, which keeps the texts sent."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def write_frames(self, sent: Frames) -> None:
        self.texts.extend(sent.texts)

    def get_write_buffer_size(self) -> int:
        return 0

    def abort_connection(self) -> None:
        raise AssertionError("a client that reads is not dropped")


class PipelineSimulation:
    """Rows, a publisher's channel, a bridge, a web process, and a page."""

    def __init__(self, node: "subprocess.Popen[str]") -> None:
        self.now = 1000.0
        self.rev = self.reconciled_rev = 1
        self.events: list[tuple[int, str]] = []
        self.rows = {video_id: SimulatedRow(video_id) for video_id in IDS_WITH_ROWS}
        self.channel: list[tuple[str, Progress]] = []
        self.head: dict[str, Any] = {}
        self.store: dict[str, str] = {}
        self.epochs = 0
        self.conflator = Conflator()
        self.claims: dict[str, Progress] = {}
        self.fanout = InMemoryHub(self)
        self.v2_transport = RecordingTransport()
        self.page = SimulatedPage(node, self)
        self.begin_epoch()
        self.connect()

    # Steps -----------------------------------------------------------------------------------------

    async def play(self, steps: list[tuple[str, int, int]]) -> None:
        for step, which, number in steps:
            self.now += 0.1
            perform = getattr(self, f"do_{step}", None) or functools.partial(self.do_verb, step)
            perform(which, number)
            await self.settle()

    def do_verb(self, verb: str, which: int, number: int) -> None:
        row = self.rows[IDS_WITH_ROWS[which % len(IDS_WITH_ROWS)]]
        if row.allows(verb):
            self.channel.append((row.video_id, row.do(verb, number)))
            if verb != "advance":
                self.rev += 1
                self.events.append((self.rev, row.video_id))

    def do_foreign_publish(self, which: int, number: int) -> None:
        """Another program publishes about an id with or without a row, perhaps nonsense."""
        statuses = (None, None, "downloading", "complete", "failed", "queued", "processing", "cancelled")
        status = statuses[number % len(statuses)]
        fields: dict[str, Any] = {"status": status} if status else {"percent": float(number)}
        if number % 3 == 0:
            fields["attempt"] = 1 + number % 4
        self.channel.append((VIDEO_IDS[which % len(VIDEO_IDS)], Progress(**fields)))

    def do_deliver(self, which: int, number: int) -> None:
        for _ in range(number % 4 + 1):
            if self.channel:
                self.take(*self.channel.pop(0))

    def do_late(self, which: int, number: int) -> None:
        """Deliver a message out of order."""
        if self.channel:
            self.take(*self.channel.pop(number % len(self.channel)))

    def do_repeat(self, which: int, number: int) -> None:
        if self.channel:
            self.take(*self.channel[number % len(self.channel)])

    def do_lose(self, which: int, number: int) -> None:
        if self.channel:
            self.channel.pop(number % len(self.channel))

    def do_tick(self, which: int, number: int) -> None:
        self.flush(arrives=True)

    def do_lost_batch(self, which: int, number: int) -> None:
        self.flush(arrives=False)

    def do_restart_bridge(self, which: int, number: int) -> None:
        self.begin_epoch(remembering=bool(number % 2))

    def do_wipe_redis(self, which: int, number: int) -> None:
        self.store, self.head, self.reconciled_rev = {}, {}, 0
        self.begin_epoch()

    def do_reconcile(self, which: int, number: int) -> None:
        self.reconcile()

    def do_wait(self, which: int, number: int) -> None:
        self.now += number / 10

    def do_reconnect(self, which: int, number: int) -> None:
        self.connect()

    def do_fetch(self, which: int, number: int) -> None:
        self.page.fetch()

    # The bridge ------------------------------------------------------------------------------------

    def take(self, video_id: str, message: Progress) -> None:
        if not self.conflator.is_identified(video_id) and video_id in self.rows:
            self.conflator.adopt_row(self.rows[video_id].as_row(), self.now)
        if self.conflator.is_claim(video_id, message):
            self.claims[video_id] = message
        else:
            self.conflator.apply_message(video_id, message, self.now)

    def begin_epoch(self, remembering: bool = True) -> None:
        remembered: OrderedDict[str, VideoState] = self.conflator.inactive if remembering else OrderedDict()
        self.conflator = Conflator()
        self.claims.clear()
        stored = {video_id: Progress.from_json(text.encode()) for video_id, text in self.store.items()}
        self.conflator.restore_states(remembered, stored, self.now)
        self.conflator.reconcile_rows(self.current(), self.now, self.now, self.unreconciled_ids())
        self.reconciled_rev = self.announced = self.rev
        self.epochs += 1
        self.head = {"epoch": f"e{self.epochs}", "seq": 0}
        self.store = {}
        outgoing = self.conflator.render_batch(self.conflator.drain_pending(), self.rev)
        self.out(outgoing.messages, self.conflator.encode_active(), [], arrives=True)

    def current(self) -> list[RowState]:
        return [row.as_row() for row in self.rows.values()]

    def unreconciled_ids(self) -> set[str]:
        return {video_id for rev, video_id in self.events if rev > self.reconciled_rev}

    def reconcile(self) -> None:
        if self.conflator.reconcile_rows(self.current(), self.now, self.now, self.unreconciled_ids()):
            self.begin_epoch()
        self.reconciled_rev = self.rev

    def flush(self, *, arrives: bool) -> None:
        changed_ids = {video_id for rev, video_id in self.events if rev > self.announced}
        rows = [self.rows[video_id].as_row() for video_id in changed_ids | (self.claims.keys() & self.rows.keys())]
        if self.conflator.include_events(rows, self.now, self.now, changed_ids):
            self.begin_epoch()
            return
        self.conflator.settle_claims(self.claims, rows, self.now)
        self.claims.clear()
        self.announced = self.rev
        outgoing = self.conflator.render_batch(self.conflator.drain_pending(), self.rev)
        self.out(outgoing.messages, outgoing.snapshot_updates, outgoing.removed_ids, arrives=arrives)

    def out(self, messages: list[batch.BatchMessage], put: dict[str, str], drop: list[str], *, arrives: bool) -> None:
        self.require_true_statuses(messages)
        self.head = {"epoch": self.head["epoch"], "seq": self.head["seq"] + 1, "rev": self.rev}
        self.store.update(put)
        for video_id in drop:
            self.store.pop(video_id, None)
        if arrives:
            event = {"type": "progress.batch", "epoch": self.head["epoch"], "seq": self.head["seq"]}
            self.fanout.receive_batch({**event, "messages": [list(message) for message in messages]})

    def require_true_statuses(self, messages: list[batch.BatchMessage]) -> None:
        """No message, whoever sent it, has a page hear of a row what the row never was.

        A row that waits may be downloaded by another program.
        """
        for video_id, kind, text in messages:
            if kind != batch.KIND_CHANGED and video_id in self.rows and (content := json.loads(text)).get("status"):
                states = self.rows[video_id].past_states
                status, attempt = content["status"], content["attempt"]
                assert (status, attempt) in states or (status in ACTIVE_STATUSES and ("queued", attempt) in states)

    # The page ----------------------------------------------------------------------------------------

    def connect(self) -> None:
        for client in list(self.fanout.clients):
            self.fanout.remove_client(client)
        self.v2_transport, self.v1_transport = RecordingTransport(), RecordingTransport()
        self.bars: dict[str, float] = {}
        self.v2_client = self.fanout.add_client(self.v2_transport, protocol=V2)
        self.fanout.add_client(self.v1_transport, protocol=V1)

    async def settle(self) -> None:
        """Let the web process send, and the page take what it sent."""
        for _ in range(6):
            await asyncio.sleep(0)
            texts, self.v2_transport.texts = self.v2_transport.texts, []
            for text in texts:
                if self.page.receive(text, self.now):
                    self.fanout.resync_client(self.v2_client)
            texts, self.v1_transport.texts = self.v1_transport.texts, []
            for text in texts:
                self.receive_v1_frame(json.loads(text))

    def receive_v1_frame(self, frame: dict[str, Any]) -> None:
        """Do what the React hook of a v1 client does with a frame."""
        if frame["type"] == "progress":
            self.bars[frame["video_id"]] = frame["percent"]
        elif frame["status"] in ("complete", "failed"):
            self.bars.pop(frame["video_id"], None)

    async def quiet(self) -> None:
        """Nothing happens any more: a worker's next message arrives, the bridge reconciles, the page fetches."""
        self.channel.clear()
        for row in self.rows.values():
            if row.status in ACTIVE_STATUSES:
                self.channel.append((row.video_id, Progress(attempt=row.attempt, percent=row.percent)))
        for _ in range(3):
            self.now += 10
            self.reconcile()
            while self.channel:
                self.take(*self.channel.pop(0))
            self.flush(arrives=True)
            await self.settle()
            self.page.fetch()
            await self.settle()

    def check(self) -> None:
        states = self.page.states()
        for video_id, row in self.rows.items():
            assert self.page.cards[video_id] == row.card()
            if row.status in ACTIVE_STATUSES:
                state = states[video_id]
                assert (state["attempt"], state["percent"]) == (row.attempt, row.percent)
                assert json.loads(self.store[video_id])["percent"] == row.percent
                # A v1 client keeps the last known percent while it is unknown.
                assert self.bars[video_id] == row.percent or row.percent is None
            else:
                assert video_id not in self.store
                assert video_id not in self.bars or row.status == "queued"
                assert states.get(video_id, {}).get("status") in (None, row.status, *TERMINAL_STATUSES)
        ended = [video_id for video_id, state in states.items() if state["status"] in TERMINAL_STATUSES]
        assert not ended, "no state is kept for what has ended"
