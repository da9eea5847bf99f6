import assert from "node:assert/strict";
import { test } from "node:test";
import { createStore } from "../../../static/js/store.js";

const shown = (cards = {}) =>
	new Map(
		Object.entries(cards).map(([id, [status, attempt]]) => [id, { status, attempt: attempt ?? 1 }]),
	);
const snapshot = (fields = {}) => ({
	type: "snapshot",
	epoch: "e",
	seq: 5,
	rev: 7,
	videos: [],
	...fields,
});
const batch = (from, seq, ...messages) => ({ type: "batch", epoch: "e", from, seq, messages });
const progress = (id, percent, fields = {}) => ({
	type: "progress",
	video_id: id,
	percent,
	attempt: 1,
	...fields,
});
const status = (id, status, fields = {}) => ({
	type: "status",
	video_id: id,
	status,
	attempt: 1,
	...fields,
});
const page = shown({ a: ["downloading"] });

/** A store that has its first snapshot. */
function following(open = true) {
	const store = createStore(7, open);
	store.receive(snapshot(), shown(), 0);
	return store;
}

test("it replaces its states by those of a snapshot", () => {
	const store = following();
	store.receive(
		batch(6, 6, progress("a", 10), status("b", "complete")),
		shown({ a: ["downloading"], b: ["downloading"] }),
		1,
	);
	const outcome = store.receive(
		snapshot({ seq: 9, videos: [progress("b", 3)] }),
		shown({ b: ["downloading"] }),
		2,
	);
	assert.deepEqual([...store.states.keys()], ["b"]);
	assert.equal(store.states.get("b").percent, 3);
	assert.equal(outcome.isNews, true);
});

test("it asks for the card of what the page shows as active and the snapshot does not know", () => {
	const { cardsToFetch } = createStore(7, true).receive(
		snapshot({ videos: [progress("b", 1)] }),
		page,
		0,
	);
	assert.deepEqual([...cardsToFetch].sort(), ["a", "b"]);
});

test("it fetches the list once when the snapshot's rev differs from the page's", () => {
	const store = createStore(6, true);
	assert.equal(store.receive(snapshot(), page, 0).refetchList, true);
	assert.equal(store.receive(snapshot({ seq: 6 }), page, 0).refetchList, false);
});

test("it reports a change of what a page of one video does not show", () => {
	const store = following(false);
	assert.equal(store.receive(batch(6, 6, progress("z", 1)), page, 0).othersChanged, false);
	const { othersChanged, cardsToFetch } = store.receive(
		batch(7, 7, status("z", "complete")),
		page,
		0,
	);
	assert.deepEqual([othersChanged, cardsToFetch.size, store.states.size], [true, 0, 0]);
	assert.equal(
		following().receive(batch(6, 6, status("z", "failed")), page, 0).othersChanged,
		false,
	);
});

test("it counts the messages since the page was rendered", () => {
	const store = following();
	store.receive(batch(6, 6, status("a", "complete", { rev: 9 })), page, 0);
	assert.equal(store.receive(snapshot({ seq: 8, rev: 9 }), page, 0).refetchList, false);
});

test("it drops repeated batches and takes those that overlap", () => {
	const store = following();
	store.receive(batch(4, 5, progress("a", 90)), page, 0);
	assert.equal(store.states.size, 0);
	store.receive(batch(5, 6, progress("a", 91)), page, 0);
	assert.equal(store.states.get("a").percent, 91);
});

for (const [what, frame] of Object.entries({
	"a gap": batch(7, 7, progress("a", 50)),
	"another epoch": { ...batch(6, 6, progress("a", 50)), epoch: "f" },
})) {
	test(`it asks for a snapshot after ${what}, once, and then again when none came`, () => {
		const store = following();
		const asked = [1, 1001, 7001].map((now) => store.receive(frame, page, now).resync);
		assert.deepEqual(asked, [true, false, true]);
		assert.equal(store.states.size, 0);
		store.receive(snapshot({ seq: 7 }), page, 8000);
		assert.equal(store.receive(batch(8, 8), page, 8001).resync, false);
	});
}

test("it tells a snapshot that only repeats the last frame", () => {
	const store = following();
	assert.equal(store.receive(snapshot(), page, 0).isNews, false);
	assert.equal(store.receive(snapshot({ epoch: "f" }), page, 0).isNews, true);
	assert.equal(store.receive(batch(6, 6), page, 0).isNews, true);
});

test("it ignores lower attempts, and progress after the end of the same attempt", () => {
	const store = following();
	store.receive(
		batch(6, 6, progress("a", 10, { attempt: 2 }), progress("a", 99, { attempt: 1 })),
		page,
		0,
	);
	assert.equal(store.states.get("a").percent, 10);
	store.receive(
		batch(7, 7, status("a", "failed", { attempt: 2 }), progress("a", 11, { attempt: 2 })),
		page,
		0,
	);
	assert.equal(store.states.get("a").status, "failed");
	store.receive(batch(8, 8, progress("a", 1, { attempt: 3 })), page, 0);
	assert.equal(store.states.get("a").percent, 1);
	assert.equal(store.states.get("a").status, null);
});

test("it takes the page's own card for the end of an attempt", () => {
	const store = following();
	store.receive(batch(6, 6, progress("a", 10)), shown({ a: ["complete"] }), 0);
	assert.equal(store.states.size, 0);
});

test("it carries what a message leaves out, but not the pace", () => {
	const store = following();
	store.receive(
		batch(6, 6, progress("a", 10, { total_bytes: 9, speed: 5, eta: 3, phase: "video" })),
		page,
		0,
	);
	store.receive(batch(7, 7, progress("a", null)), page, 50);
	const { percent, total_bytes, speed, eta, phase, updatedAt } = store.states.get("a");
	assert.deepEqual(
		[percent, total_bytes, speed, eta, phase, updatedAt],
		[null, 9, null, null, "video", 50],
	);
});

test("it fetches a card when the status differs from what is shown, and for what is not shown", () => {
	const store = following();
	const cards = (...messages) => [...store.receive({ ...messages[0] }, page, 0).cardsToFetch];
	assert.deepEqual(cards(status("a", "downloading")), []);
	assert.deepEqual(cards(progress("a", 4)), []);
	assert.deepEqual(cards(status("a", "processing")), ["a"]);
	assert.deepEqual(cards({ type: "changed", video_id: "a" }), ["a"]);
	assert.deepEqual(cards(progress("new", 4)), ["new"]);
	assert.deepEqual(cards(progress("new", 5)), []);
});

test("it announces a change of status once", () => {
	const store = following();
	const statusChanges = (...messages) =>
		Object.fromEntries(store.receive({ ...messages[0] }, page, 0).statusChanges);
	assert.deepEqual(statusChanges(progress("a", 4)), {});
	assert.deepEqual(statusChanges(status("a", "downloading")), {});
	assert.deepEqual(statusChanges(status("a", "complete")), { a: "complete" });
	assert.deepEqual(statusChanges(status("a", "complete")), {});
	assert.deepEqual(statusChanges(status("new", "queued")), {});
	assert.deepEqual(statusChanges(status("new", "downloading")), {});
	assert.deepEqual(statusChanges(status("new", "complete")), { new: "complete" });
	assert.deepEqual(statusChanges(status("new", "complete")), {});
});

test("it requests no card that the server does not have", () => {
	const store = following();
	store.receive(progress("x", 4), page, 0);
	store.markMissing("x");
	const { cardsToFetch } = store.receive(progress("x", 5), page, 0);
	assert.deepEqual([cardsToFetch.size, store.states.size], [0, 0]);
});

test("it remembers a bounded number of them", () => {
	const store = following();
	for (let number = 0; number <= 500; number++) store.markMissing(`x${number}`);
	assert.equal(store.receive(progress("x0", 4), page, 0).cardsToFetch.size, 1);
});

test("it only adds up other videos on a page of one, and forgets them as they end", () => {
	const store = following(false);
	const outcome = store.receive(progress("x", 4), page, 0);
	assert.deepEqual([outcome.cardsToFetch.size, outcome.othersChanged], [0, false]);
	assert.deepEqual([store.sumTotals().count, store.sumTotals(page).count], [1, 0]);
	const last = store.receive(status("x", "complete"), page, 0);
	assert.deepEqual(
		[last.cardsToFetch.size, last.statusChanges.size, last.othersChanged],
		[0, 0, true],
	);
	assert.equal(store.states.size, 0);
});

test("a playable copy has a state, but is neither fetched, announced nor added up", () => {
	const store = following();
	const id = "copy:a";
	const first = store.receive(progress(id, 4), page, 0);
	assert.equal(store.states.get(id).percent, 4);
	const last = store.receive(status(id, "failed"), page, 0);
	for (const outcome of [first, last])
		assert.deepEqual([outcome.cardsToFetch.size, outcome.statusChanges.size], [0, 0]);
	store.receive(progress(id, 4, { attempt: 2 }), page, 0);
	assert.equal(store.sumTotals().count, 0);
	store.receive(status(id, "complete", { attempt: 2 }), page, 0);
	assert.equal(store.states.has(id), false);
});

test("it keeps nothing of a thousand finished videos", () => {
	const store = following();
	store.receive(progress("a", 4), page, 0);
	for (let number = 0; number < 1000; number++) {
		store.receive(progress(`v${number}`, 50), page, 0);
		store.receive(status(`v${number}`, "complete"), page, 0);
	}
	assert.deepEqual([...store.states.keys()], ["a"]);
	store.receive(status("a", "complete"), page, 0);
	store.reconcile(shown({ a: ["complete"] }), 7);
	assert.equal(store.states.size, 0);
});

test("it understands v1 frames, without attempts and epochs", () => {
	const store = createStore(0, true);
	store.receive(
		{ type: "progress", video_id: "a", percent: 42, downloaded_bytes: 1, total_bytes: 2 },
		page,
		0,
	);
	assert.equal(store.states.get("a").percent, 42);
	const outcome = store.receive({ type: "status", video_id: "a", status: "complete" }, page, 0);
	assert.deepEqual([...outcome.cardsToFetch], ["a"]);
});

test("it notices a download that stands still, also when snapshots repeat the same", () => {
	const store = following();
	store.receive(progress("a", 4), page, 0);
	store.receive(snapshot({ seq: 6, videos: [progress("a", 4)] }), page, 15_000);
	const stalled = (now) => store.stalledSeconds(store.states.get("a"), now);
	assert.deepEqual([stalled(19_999), stalled(24_500)], [0, 24]);
	store.receive(status("a", "processing"), page, 0);
	assert.equal(stalled(90_000), 0);
});

test("it adds up what runs", () => {
	const store = following();
	assert.deepEqual(store.sumTotals(), { count: 0, percent: null, speed: 0, eta: null });
	store.receive(progress("a", 10, { speed: 3, eta: 9 }), page, 0);
	store.receive(progress("b", 30, { speed: 4 }), page, 0);
	store.receive(progress("c", null), page, 0);
	store.receive(status("d", "queued"), page, 0);
	assert.deepEqual(store.sumTotals(), { count: 3, percent: 20, speed: 7, eta: 9 });
});

test("a card that comes before the news of an end tells it, and nothing is kept", () => {
	const store = following();
	store.receive(batch(6, 6, status("a", "queued"), progress("b", 5)), shown(), 1);
	const cards = shown({ a: ["complete"], b: ["downloading"] });
	assert.deepEqual(Object.fromEntries(store.reconcile(cards, 8)), { a: "complete" });
	assert.deepEqual(Object.fromEntries(store.reconcile(cards, 8)), {});
	const outcome = store.receive(batch(7, 7, status("a", "complete")), cards, 2);
	assert.deepEqual([outcome.statusChanges.size, outcome.cardsToFetch.size], [0, 0]);
	assert.deepEqual([...store.states.keys()], ["b"]);
	// A new attempt is another matter.
	store.receive(batch(8, 8, status("a", "downloading", { attempt: 2 })), cards, 3);
	assert.deepEqual([...store.states.keys()], ["b", "a"]);
});
