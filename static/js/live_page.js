/** Live page: frames go from the socket into the store, and from there into bars and cards. */

import { createCards } from "./cards.js";
import { query, queryAll, restoreFocus, setText } from "./dom.js";
import { formatDuration, formatPace, formatPercent } from "./format.js";
import { createBarQueue, drawPill, drawProgressBar } from "./progress_bar.js";
import { connectSocket } from "./socket.js";
import { createStore } from "./store.js";

/** @import { Cards, PlaceCard } from "./cards.js" */
/** @import { PushedCards } from "./card_lists.js" */

/**
 * @typedef {object} LivePageOptions
 * @property {(swap: () => void) => void} [aroundSwap] runs each swap of cards
 * @property {() => string} [readTitle] the page's title after a swap
 * @property {PlaceCard} [placeCard] of a page with lists
 * @property {PushedCards} [pushedCards] of a page that is sent cards
 * @typedef {Window & { htmx?: { process(element: Element): void } }} HtmxWindow not in the admin
 */

const DRAW_INTERVAL_MS = 1_000;
const WAKE_EVENTS = ["visibilitychange", "online", "pageshow"];

const { dataset } = document.documentElement;

/** What says of changes: loaded with the first one, or with a bell. */
const loadNotifications = () => import("./notifications.js");

/** The `rev` that the server rendered the page at. */
const readRenderedRev = () => Number(query("[data-rev]")?.dataset.rev ?? -1);

const processHtmxAttributes = () => {
	/** @type {HtmxWindow} */ (window).htmx?.process(document.body);
};

const drawRetryCountdowns = () => {
	for (const time of /** @type {HTMLTimeElement[]} */ (queryAll("[data-retries-at] time"))) {
		const seconds = (Date.parse(time.dateTime) - Date.now()) / 1000;
		time.textContent = seconds > 0 ? `in ${formatDuration(Math.max(1, seconds))}` : "soon";
	}
};

/** @param {Event} event */
const targetOf = (event) => /** @type {Element} */ (event.target);

/**
 * Listen to htmx, and to the `acted` event that the server triggers after an action.
 *
 * @param {Cards} cards
 * @param {boolean} isList
 */
const listenToHtmx = (cards, isList) => {
	addEventListener("htmx:afterSettle", (event) => {
		const target = targetOf(event);
		if (target.id === "dialog") /** @type {HTMLDialogElement} */ (target).showModal();
		if (target.id === "listing") cards.scanPage();
		restoreFocus();
	});

	addEventListener("acted", (event) => {
		const { ids } = /** @type {CustomEvent<{ ids: string[] }>} */ (event).detail;
		/** @type {HTMLFormElement | null} */ (targetOf(event).closest("#many"))?.reset();
		/** @type {HTMLDialogElement | null} */ (query("#dialog"))?.close();
		// Without ids: the whole queue. The page of one video shows no other.
		if (isList && ids.length) cards.requestCards(ids, 0);
		else cards.requestAll(0);
	});
};

/** @param {LivePageOptions} [options] */
export const startLivePage = ({
	aroundSwap = (swap) => swap(),
	readTitle,
	placeCard = (oldCard, freshCard) => oldCard?.replaceWith(freshCard ?? ""),
	pushedCards,
} = {}) => {
	const isList = query("[data-list]") !== null;
	const { cards: cardsUrl, path } = /** @type {HTMLElement} */ (query("[data-cards]")).dataset;
	let { title } = document;

	const store = createStore(readRenderedRev(), isList, query("[data-place-for=active]") !== null);
	const cards = createCards(`${cardsUrl}`, {
		aroundSwap,
		placeCard,
		minDelayMs: pushedCards?.timeoutMs,
		onScan() {
			if (readTitle) title = readTitle();
			processHtmxAttributes();
			announce(store.reconcile(cards.shownCards, readRenderedRev()));
			draw();
		},
		onMissing(videoId) {
			store.markMissing(videoId);
			// The server says what became of the one video of this page.
			if (!isList) location.reload();
		},
	});

	const isLive = () => ["live", "polling"].includes(`${dataset.connection}`);

	/**
	 * Leave out what only news can tell, while none come.
	 *
	 * @template {{ speed: number | null, eta: number | null }} S
	 * @param {S} state
	 */
	const asShown = (state) => (isLive() ? state : { ...state, speed: null, eta: null });

	/** @param {string} videoId */
	const drawVideo = (videoId) => {
		const card = cards.shownCards.get(videoId);
		const element = card?.element ?? query(`[data-copy="${videoId}"]`);
		const state = store.states.get(videoId);
		if (!element || !state) return;
		drawProgressBar(element, asShown(state), store.stalledSeconds(state, Date.now()));
	};

	const barQueue = createBarQueue(drawVideo);

	const draw = () => {
		const all = store.sumTotals();
		const totals = isList ? all : store.sumTotals(cards.shownCards);
		const progress = formatPercent(totals.percent) || "…";
		setText("title", totals.count ? `${progress} · ${title}` : title);
		setText("[data-totals]", formatPace(asShown(totals)));
		drawPill(store, asShown(all), asShown);
		drawRetryCountdowns();
		dataset.tracked = `${store.states.size}`;
		barQueue.add(store.states.keys());
	};

	/** @param {ReadonlyMap<string, string>} statusChanges by video id */
	const announce = (statusChanges) => {
		if (statusChanges.size)
			loadNotifications().then((module) =>
				module.announceStatusChanges(statusChanges, cards.shownCards),
			);
	};

	/** @param {Frame} frame */
	const handleFrame = (frame) => {
		if (frame.type === "cards") {
			pushedCards?.swapIn(frame, cards, store.rev());
			return false;
		}
		const outcome = store.receive(frame, cards.shownCards, Date.now());
		const needsAll =
			outcome.refetchList || (outcome.othersChanged && query("[data-others]") !== null);
		if (outcome.resync) socket.resync();
		if (needsAll) cards.requestAll();
		else cards.requestCards(outcome.cardsToFetch);
		if (outcome.othersChanged) cards.requestParts();
		draw();
		announce(outcome.statusChanges);
		return outcome.isNews;
	};

	/** The visitor or the network is back. */
	const wake = () => {
		if (document.hidden) return;
		socket.wake();
		cards.requestCards([], 0);
	};

	if (query("[data-notify-me]")) loadNotifications();
	cards.scanPage();
	const socket = connectSocket(`${path}ws/progress`, `${path}api/progress`, {
		onFrame: handleFrame,
		onStateChange(state) {
			dataset.connection = state;
			draw();
		},
		hello: pushedCards?.hello,
	});
	setInterval(draw, DRAW_INTERVAL_MS);
	for (const event of WAKE_EVENTS) addEventListener(event, wake, true);
	listenToHtmx(cards, isList);
	return { requestAll: cards.requestAll };
};
