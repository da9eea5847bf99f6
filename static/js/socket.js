/** Connection to the server: a WebSocket, reconnected for ever, or polling where none can be had. */

/**
 * @typedef {"live" | "reconnecting" | "paused" | "polling"} ConnectionState
 * @typedef {object} ConnectionHandlers
 * @property {(frame: Frame) => boolean} onFrame returns whether the frame is news
 * @property {(state: ConnectionState) => void} onStateChange
 * @property {string} [hello] sent on each connection
 */

const SUBPROTOCOL = "ytarchive.progress.v2";
const RESYNC_REQUEST = '{"type":"resync"}';

const WATCH_INTERVAL_MS = 1_000;
const PING_INTERVAL_MS = 30_000;
const POLL_INTERVAL_MS = 3_000;
// The bridge sends a heartbeat every 2 s.
const SILENCE_TIMEOUT_MS = 6_000;
const RESYNC_TIMEOUT_MS = 3_000;
const OPEN_TIMEOUT_MS = 12_000;
const FAILURES_BEFORE_POLLING = 3;

const FIRST_DELAY_MS = 500;
const MAX_DELAY_MS = 4_000;
const MAX_IDLE_DELAY_MS = 30_000;
const LONG_OUTAGE_MS = 600_000;
const MAX_BACKOFF_DOUBLINGS = 10;

/**
 * Exponential backoff with full jitter: the pages of a server that restarts come back one by one.
 *
 * @param {number} failures
 * @param {number} downForMs
 * @param {boolean} isHidden
 * @param {number} random 0 to 1
 * @returns {number} milliseconds
 */
export const reconnectDelay = (failures, downForMs, isHidden, random) => {
	const isIdle = isHidden || downForMs > LONG_OUTAGE_MS;
	const limit = isIdle ? MAX_IDLE_DELAY_MS : MAX_DELAY_MS;
	const backoff = FIRST_DELAY_MS * 2 ** Math.min(failures, MAX_BACKOFF_DOUBLINGS);
	return random * Math.min(limit, backoff);
};

/**
 * @param {string} url
 * @returns {Promise<SnapshotFrame | null>}
 */
const fetchSnapshot = async (url) => {
	try {
		const response = await fetch(url);
		return response.ok ? await response.json() : null;
	} catch {
		return null;
	}
};

/**
 * @param {string} socketUrl
 * @param {string} snapshotUrl
 * @param {ConnectionHandlers} handlers
 */
export const connectSocket = (socketUrl, snapshotUrl, { onFrame, onStateChange, hello }) => {
	/** @type {WebSocket | undefined} */
	let socket;
	let retryTimer = 0;
	let failures = 0;
	let openedAt = 0;
	let receivedAt = Date.now();
	let resyncRequestedAt = 0;
	// Silent: a snapshot that only repeats the last frame does not end this.
	let isPaused = false;
	let polledAt = 0;
	let pollSucceeded = false;

	const openSocket = () => {
		clearTimeout(retryTimer);
		openedAt = Date.now();
		socket = new WebSocket(socketUrl, SUBPROTOCOL);
		socket.onopen = () => {
			receivedAt = Date.now();
			if (hello) socket?.send(hello);
			if (isPaused) onStateChange("paused");
		};
		socket.onclose = dropSocket;
		socket.onmessage = ({ data }) => {
			// A pong says nothing of the bridge.
			if (data !== "pong") confirmReceipt(onFrame(JSON.parse(data)));
		};
	};

	/** @param {boolean} isNews */
	const confirmReceipt = (isNews) => {
		receivedAt = Date.now();
		resyncRequestedAt = 0;
		failures = 0;
		pollSucceeded = false;
		if (isNews) isPaused = false;
		onStateChange(isPaused ? "paused" : "live");
	};

	const dropSocket = () => {
		if (socket) {
			socket.onclose = null;
			socket.onmessage = null;
			socket.close();
			socket = undefined;
		}
		resyncRequestedAt = 0;
		onStateChange(pollSucceeded ? "polling" : "reconnecting");
		const downForMs = Date.now() - receivedAt;
		const delayMs = reconnectDelay(failures, downForMs, document.hidden, Math.random());
		retryTimer = setTimeout(openSocket, delayMs);
		failures++;
	};

	const resync = () => socket?.send(RESYNC_REQUEST);

	const sendPing = () => {
		if (socket?.readyState === WebSocket.OPEN) socket.send("ping");
	};

	const watchConnection = () => {
		const now = Date.now();
		const mayPoll = failures >= FAILURES_BEFORE_POLLING && !document.hidden;
		if (mayPoll && now - polledAt >= POLL_INTERVAL_MS) pollSnapshot(now);
		if (socket?.readyState === WebSocket.CONNECTING && now - openedAt > OPEN_TIMEOUT_MS)
			dropSocket();
		if (socket?.readyState === WebSocket.OPEN && now - receivedAt >= SILENCE_TIMEOUT_MS)
			handleSilence(now);
	};

	/** @param {number} now */
	const handleSilence = (now) => {
		if (!resyncRequestedAt) {
			resyncRequestedAt = now;
			isPaused = true;
			onStateChange("paused");
			resync();
		} else if (now - resyncRequestedAt >= RESYNC_TIMEOUT_MS) dropSocket();
	};

	/** @param {number} now */
	const pollSnapshot = async (now) => {
		polledAt = now;
		const snapshot = await fetchSnapshot(snapshotUrl);
		// The WebSocket is back.
		if (!failures) return;
		if (!snapshot) onStateChange("reconnecting");
		else if (pollSucceeded) onFrame(snapshot);
		// Perhaps the server is just back: the WebSocket first.
		else wake();
		pollSucceeded = snapshot !== null;
	};

	const wake = () => {
		if (socket) watchConnection();
		else openSocket();
	};

	setInterval(watchConnection, WATCH_INTERVAL_MS);
	setInterval(sendPing, PING_INTERVAL_MS);
	openSocket();
	return { wake, resync };
};
