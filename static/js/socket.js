/** Connects for ever: backs off, notices silence, polls where no WebSocket can be had. No DOM. */

const SUBPROTOCOL = "ytarchive.progress.v2";
const PING_EVERY = 30_000;
const POLL_EVERY = 3_000;
const SILENT_AFTER = 6_000;
const GIVEN_UP_AFTER = 3_000;
// Without the subprotocol there is no heartbeat, only the answers to pings.
const PLAIN_SILENT_AFTER = 45_000;
const OPENING_AT_MOST = 10_000;
const FAILURES_BEFORE_POLLING = 3;

/** Full jitter: up to 4 s; up to 30 s when hidden or after ten minutes. @type {Delay} */
export const delay = (failures, downFor, hidden, random) =>
	random * Math.min(hidden || downFor > 600_000 ? 30_000 : 4_000, 500 * 2 ** Math.min(failures, 10));

/** @type {Connect} */
export const connect = (url, snapshotUrl, page) => {
	/** @type {WebSocket | null} */
	let ws = null;
	let heardAt = Date.now();
	let [retry, failures, beganAt, askedAt, pingedAt, polledAt] = [0, 0, 0, 0, 0, 0];
	let [silent, plain, polling, httpAnswers] = [false, false, false, false];

	const open = () => {
		clearTimeout(retry);
		// Browsers want an offered subprotocol selected: where only HTTP works, offer none each second time.
		plain = polling && !plain;
		ws = new WebSocket(url, plain ? [] : [SUBPROTOCOL]);
		beganAt = Date.now();
		ws.onopen = opened;
		ws.onclose = closed;
		ws.onmessage = ({ data }) => {
			if (data !== "pong") heard(page.frame(JSON.parse(data)));
			else if (plain) heard(true);
		};
	};

	const opened = () => {
		heardAt = pingedAt = Date.now();
		if (silent) page.state("paused");
		if (!plain) return;
		heard(true);
		page.missed();
	};

	/** @param {boolean} news and not a snapshot as it was before the silence */
	const heard = (news) => {
		heardAt = Date.now();
		askedAt = failures = 0;
		polling = httpAnswers = false;
		silent &&= !news;
		page.state(silent ? "paused" : "live");
	};

	const closed = () => {
		if (ws) ws.onopen = ws.onclose = ws.onmessage = null;
		ws?.close();
		ws = null;
		askedAt = 0;
		polling = httpAnswers;
		page.state(polling ? "polling" : "reconnecting");
		retry = setTimeout(open, delay(failures++, Date.now() - heardAt, page.hidden(), Math.random()));
	};

	const resync = () => ws?.send('{"type":"resync"}');

	/** Once a second: pings, polls, and what to do about silence. */
	const watch = () => {
		const now = Date.now();
		if (failures >= FAILURES_BEFORE_POLLING && now - polledAt >= POLL_EVERY && !page.hidden()) poll(now);
		if (ws?.readyState === WebSocket.CONNECTING && now - beganAt > OPENING_AT_MOST) closed();
		if (ws?.readyState !== WebSocket.OPEN) return;
		if (now - pingedAt >= PING_EVERY) {
			pingedAt = now;
			ws.send("ping");
		}
		if (now - heardAt < (plain ? PLAIN_SILENT_AFTER : SILENT_AFTER)) return;
		if (!askedAt) {
			askedAt = now;
			silent = true;
			page.state("paused");
			resync();
		} else if (now - askedAt >= GIVEN_UP_AFTER) closed();
	};

	/** See whether plain HTTP gets through, and then go on with that. @param {number} now */
	const poll = async (now) => {
		polledAt = now;
		const answer = await fetch(snapshotUrl).catch(() => null);
		const snapshot = answer?.ok ? await answer.json().catch(() => null) : null;
		if (!failures) return;
		const news = snapshot && !httpAnswers;
		httpAnswers = Boolean(snapshot);
		if (snapshot && polling) page.frame(snapshot);
		// The server may just have come back: only a socket that fails while HTTP works means polling.
		else if (news) wake();
		else if (polling) {
			polling = false;
			page.state("reconnecting");
		}
	};

	const wake = () => (ws ? watch() : open());

	setInterval(watch, 1000);
	open();
	return { wake, resync };
};
