/**
 * Live page: progress bars, cards, totals and the state of the connection, on any page with videos.
 *
 * Frames go from the socket into the store; what the store makes of them is drawn into the bars, and
 * the cards that have changed are fetched.
 */

import { createCards } from "./cards.js";
import { query, queryAll, setText } from "./dom.js";
import { formatDuration, formatPace, formatPercent } from "./format.js";
import { createFrameQueue } from "./frame_queue.js";
import { listenToHtmx } from "./htmx_events.js";
import { announceStatusChanges, offerNotifications } from "./notifications.js";
import { drawProgressBar } from "./progress_bar.js";
import { connectSocket } from "./socket.js";
import { createStore } from "./store.js";

/** @import { Totals } from "./store.js" */

/**
 * @typedef {object} LivePageOptions
 * @property {(swap: () => void) => void} [aroundSwap] runs each swap of cards that it is given
 * @property {() => string} [readTitle] the page's title, read after each swap; without it, it stays
 */

/**
 * @typedef {object} LivePage
 * @property {() => void} requestAll fetch again everything that may change
 */

/** @typedef {Window & { htmx?: { process(element: Element): void } }} HtmxWindow not in the admin */

const SOCKET_URL = "/ws/progress";
const SNAPSHOT_URL = "/api/progress";
const DRAW_INTERVAL_MS = 1_000;
// Bars take turns, so that no frame takes long.
const MAX_BARS_PER_FRAME = 25;
const WAKE_EVENTS = ["visibilitychange", "online", "pageshow"];

const { dataset } = document.documentElement;

/** @returns {number} the `rev` at which the server rendered the page or its list; -1: it names none */
const readRenderedRev = () => Number(query("[data-rev]")?.dataset.rev ?? -1);

/** Let htmx take up the attributes of what was swapped in. */
const processHtmxAttributes = () => {
	const { htmx } = /** @type {HtmxWindow} */ (window);
	htmx?.process(document.body);
};

/**
 * Draw the totals into the page and its title, which tells of them in the tab as well.
 *
 * @param {Totals} totals
 * @param {string} title
 */
const drawTotals = (totals, title) => {
	const progress = formatPercent(totals.percent) || "…";
	setText("title", totals.count ? `${progress} · ${title}` : title);
	setText("[data-totals]", formatPace(totals));
};

/** Count down to the retries that are scheduled. */
const drawRetryCountdowns = () => {
	for (const time of /** @type {HTMLTimeElement[]} */ (queryAll("[data-retries-at] time"))) {
		const seconds = (Date.parse(time.dateTime) - Date.now()) / 1000;
		time.textContent =
			seconds > 0 ? `in ${formatDuration(Math.max(1, seconds))}` : "when its turn comes";
	}
};

/**
 * Make the page live.
 *
 * @param {LivePageOptions} [options]
 * @returns {LivePage}
 */
export const startLivePage = ({ aroundSwap = (swap) => swap(), readTitle } = {}) => {
	const isList = query("[data-list]") !== null;
	let { title } = document;

	const store = createStore(readRenderedRev(), isList);
	const cards = createCards(`${query("[data-cards]")?.dataset.cards}`, {
		aroundSwap(swap) {
			aroundSwap(swap);
			if (readTitle) title = readTitle();
		},
		onScan() {
			processHtmxAttributes();
			store.reconcile(cards.shownCards, readRenderedRev());
			draw();
		},
		onMissing(videoId) {
			store.markMissing(videoId);
			// The page of a video that is gone: the server says what became of it.
			if (!isList) location.reload();
		},
	});

	// Drawing -----------------------------------------------------------------------------------

	/** @param {string} videoId */
	const drawVideo = (videoId) => {
		const card = cards.shownCards.get(videoId);
		const state = store.states.get(videoId);
		if (!card || !state) return;
		drawProgressBar(card.element, state, store.stalledSeconds(state, Date.now()));
	};

	const barQueue = createFrameQueue(drawVideo, MAX_BARS_PER_FRAME);

	const draw = () => {
		drawTotals(store.sumTotals(), title);
		drawRetryCountdowns();
		dataset.tracked = `${store.states.size}`;
		barQueue.add(store.states.keys());
	};

	// Connection --------------------------------------------------------------------------------

	/**
	 * @param {Frame} frame
	 * @returns {boolean} whether the frame is news
	 */
	const handleFrame = (frame) => {
		const outcome = store.receive(frame, cards.shownCards, Date.now());
		const needsAll =
			outcome.refetchList || (outcome.othersChanged && query("[data-others]") !== null);
		if (outcome.resync) socket.resync();
		if (needsAll) cards.requestAll();
		else cards.requestCards(outcome.cardsToFetch);
		draw();
		announceStatusChanges(outcome.statusChanges, cards.shownCards);
		return outcome.isNews;
	};

	/** Catch up when the visitor or the network is back. */
	const wake = () => {
		if (document.hidden) return;
		socket.wake();
		cards.requestCards([], 0);
	};

	offerNotifications();
	cards.scanPage();
	const socket = connectSocket(SOCKET_URL, SNAPSHOT_URL, {
		onFrame: handleFrame,
		onStateChange(state) {
			dataset.connection = state;
		},
	});
	setInterval(draw, DRAW_INTERVAL_MS);
	for (const event of WAKE_EVENTS) addEventListener(event, wake, true);
	listenToHtmx(cards);
	return { requestAll: cards.requestAll };
};
