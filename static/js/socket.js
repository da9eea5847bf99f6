/** Connects for ever, or polls. */

const POLL_EVERY = 3_000;
const SILENT_AFTER = 6_000;
const GIVEN_UP_AFTER = 3_000;
const FAILURES_AT_MOST = 3;

// Full jitter: up to 4 s; 30 s if hidden or after ten minutes.
export const delay = (failures, downFor, hidden, random) =>
	random *
	Math.min(hidden || downFor > 600_000 ? 30_000 : 4_000, 500 * 2 ** Math.min(failures, 10));

/** @type {Connect} */
export const connect = (url, snapshotUrl, page) => {
	let ws;
	let heardAt = Date.now();
	let [retry, failures, beganAt, askedAt, polledAt] = [0, 0, 0, 0, 0];
	let [silent, httpAnswers] = [false, false];

	const open = () => {
		clearTimeout(retry);
		ws = new WebSocket(url, "ytarchive.progress.v2");
		beganAt = Date.now();
		ws.onopen = () => {
			heardAt = Date.now();
			if (silent) page.state("paused");
		};
		ws.onclose = closed;
		ws.onmessage = ({ data }) => data === "pong" || heard(page.frame(JSON.parse(data)));
	};

	const heard = (news) => {
		heardAt = Date.now();
		askedAt = failures = 0;
		httpAnswers = false;
		silent &&= !news;
		page.state(silent ? "paused" : "live");
	};

	const closed = () => {
		if (ws) ws.onclose = ws.onmessage = null;
		ws?.close();
		ws = undefined;
		askedAt = 0;
		page.state(httpAnswers ? "polling" : "reconnecting");
		retry = setTimeout(
			open,
			delay(failures++, Date.now() - heardAt, document.hidden, Math.random()),
		);
	};

	const resync = () => ws?.send('{"type":"resync"}');

	const watch = () => {
		const now = Date.now();
		if (failures >= FAILURES_AT_MOST && now - polledAt >= POLL_EVERY && !document.hidden) poll(now);
		if (ws?.readyState === WebSocket.CONNECTING && now - beganAt > 2 * SILENT_AFTER) closed();
		if (ws?.readyState !== WebSocket.OPEN || now - heardAt < SILENT_AFTER) return;
		if (!askedAt) {
			askedAt = now;
			silent = true;
			page.state("paused");
			resync();
		} else if (now - askedAt >= GIVEN_UP_AFTER) closed();
	};

	const poll = async (now) => {
		polledAt = now;
		const asking = fetch(snapshotUrl).then((answer) => answer.ok && answer.json());
		const snapshot = await asking.catch(() => null);
		if (!failures) return;
		if (!snapshot) page.state("reconnecting");
		else if (httpAnswers) page.frame(snapshot);
		// Perhaps the server is just back.
		else wake();
		httpAnswers = !!snapshot;
	};

	const wake = () => (ws ? watch() : open());

	setInterval(watch, 1000);
	setInterval(() => ws?.readyState === WebSocket.OPEN && ws.send("ping"), 30_000);
	open();
	return { wake, resync };
};
