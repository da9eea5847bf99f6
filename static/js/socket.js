/**
 * Connection to the server's progress: a WebSocket for ever, or polling where none can be had. No DOM.
 *
 * Reconnects whatever the close code, notices a connection that has gone silent, and polls a snapshot
 * over HTTP while the WebSocket keeps failing.
 */

/**
 * What the page shows of its connection; "paused": connected, but the bridge sends nothing new.
 *
 * @typedef {"live" | "reconnecting" | "paused" | "polling"} ConnectionState
 */

/**
 * @typedef {object} ConnectionHandlers
 * @property {(frame: Frame) => boolean} onFrame returns whether the frame is news
 * @property {(state: ConnectionState) => void} onStateChange may be called again with the same state
 */

/**
 * @typedef {object} Connection
 * @property {() => void} wake look at once, since the network or the visitor is back
 * @property {() => void} resync request a snapshot
 */

const SUBPROTOCOL = "ytarchive.progress.v2";
const RESYNC_REQUEST = '{"type":"resync"}';

const WATCH_INTERVAL_MS = 1_000;
// Some proxies close a connection in which one side is silent; heartbeats come from the server only.
const PING_INTERVAL_MS = 30_000;
const POLL_INTERVAL_MS = 3_000;
// The bridge sends a heartbeat at least every 2 s: three of them are missing.
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
 * Return how long to wait before the next connection: exponential backoff with full jitter, so that
 * all the pages of a server that restarts do not come back in the same moment.
 *
 * @param {number} failures in a row
 * @param {number} downForMs since something was last received
 * @param {boolean} isHidden the tab is; it waits longer, as after a long outage
 * @param {number} random from 0 to 1
 * @returns {number} milliseconds
 */
export const reconnectDelay = (failures, downForMs, isHidden, random) => {
	const isIdle = isHidden || downForMs > LONG_OUTAGE_MS;
	const limit = isIdle ? MAX_IDLE_DELAY_MS : MAX_DELAY_MS;
	const backoff = FIRST_DELAY_MS * 2 ** Math.min(failures, MAX_BACKOFF_DOUBLINGS);
	return random * Math.min(limit, backoff);
};

/**
 * Fetch the snapshot that a WebSocket would begin with.
 *
 * @param {string} url
 * @returns {Promise<SnapshotFrame | null>} null: no answer, or an error
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
 * Connect, and stay connected.
 *
 * @param {string} socketUrl
 * @param {string} snapshotUrl
 * @param {ConnectionHandlers} handlers
 * @returns {Connection}
 */
export const connectSocket = (socketUrl, snapshotUrl, { onFrame, onStateChange }) => {
	/** @type {WebSocket | undefined} */
	let socket;
	let retryTimer = 0;
	let failures = 0;
	let openedAt = 0;
	let receivedAt = Date.now();
	/** When a silent connection was asked for a snapshot; 0: it was not. */
	let resyncRequestedAt = 0;
	/** No news since the connection went silent: a snapshot that only repeats does not end this. */
	let isPaused = false;
	let polledAt = 0;
	/** The last poll brought a snapshot: HTTP works where the WebSocket does not. */
	let pollSucceeded = false;

	// WebSocket -------------------------------------------------------------------------------

	const openSocket = () => {
		clearTimeout(retryTimer);
		openedAt = Date.now();
		socket = new WebSocket(socketUrl, SUBPROTOCOL);
		socket.onopen = () => {
			receivedAt = Date.now();
			if (isPaused) onStateChange("paused");
		};
		socket.onclose = dropSocket;
		socket.onmessage = ({ data }) => {
			// A pong shows that the server lives, but not that the bridge does.
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

	/** Give up the socket and schedule the next one. */
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

	// Once a second ---------------------------------------------------------------------------

	const watchConnection = () => {
		const now = Date.now();
		const mayPoll = failures >= FAILURES_BEFORE_POLLING && !document.hidden;
		if (mayPoll && now - polledAt >= POLL_INTERVAL_MS) pollSnapshot(now);
		if (socket?.readyState === WebSocket.CONNECTING && now - openedAt > OPEN_TIMEOUT_MS)
			dropSocket();
		if (socket?.readyState === WebSocket.OPEN && now - receivedAt >= SILENCE_TIMEOUT_MS)
			handleSilence(now);
	};

	/**
	 * Request a snapshot from a connection that has gone silent, and drop it when none comes.
	 *
	 * @param {number} now
	 */
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
		// The WebSocket works again meanwhile.
		if (!failures) return;
		if (!snapshot) onStateChange("reconnecting");
		else if (pollSucceeded) onFrame(snapshot);
		// The first answer may mean that the whole server is back: try the WebSocket at once.
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
