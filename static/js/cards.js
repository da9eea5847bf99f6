/**
 * Video cards: the server's own partials, fetched when they may have changed, and swapped in.
 *
 * Ids are gathered into one request after a random wait, while the tab is visible.
 */

import { query, queryAll } from "./dom.js";
import { preserveState } from "./preserve_state.js";

/** @import { CardState } from "./store.js" */

/**
 * @typedef {CardState & { element: HTMLElement }} Card
 * @typedef {ReadonlyMap<string, Card>} ShownElements by video id
 * @typedef {ReturnType<typeof createCards>} Cards
 * @typedef {object} CardHandlers
 * @property {(swap: () => void) => void} aroundSwap runs the swap
 * @property {() => void} onScan the page may show other cards
 * @property {(videoId: string) => void} onMissing the server does not have it
 * @property {PlaceCard} placeCard
 * @property {number} [minDelayMs] of a fetch
 * @typedef {(oldCard: HTMLElement | undefined, freshCard: HTMLElement | null) => boolean | void} PlaceCard
 *   shows a fresh card; returns true if only the server knows what the list shows now
 */

const MAX_JITTER_MS = 1_000;
const RETRY_DELAY_MS = 5_000;
const REQUEST_TIMEOUT_MS = 10_000;
// The server answers no more.
const MAX_CARDS_PER_REQUEST = 100;
// Among the requested ids: the whole list.
const LIST_ID = "";
// No video: a response has the parts of the page beside what was asked for.
const PARTS_ID = "parts";

/** @param {Document} [root] */
const findList = (root) => query("[data-list]", root);

/**
 * A part with a version may differ by what scripts have set in it.
 *
 * @param {HTMLElement} oldPart
 * @param {HTMLElement} freshPart
 */
const isSamePart = (oldPart, freshPart) =>
	oldPart.isEqualNode(freshPart) ||
	(freshPart.dataset.version && freshPart.dataset.version === oldPart.dataset.version);

/** @param {Document} response */
const swapParts = (response) => {
	for (const freshPart of queryAll("[data-part]", response)) {
		const oldPart = query(`[data-part="${freshPart.dataset.part}"]`);
		if (oldPart && !isSamePart(oldPart, freshPart)) oldPart.replaceWith(freshPart);
	}
};

/** What keeps videos from starting, which each waiting row says. */
const readBlock = () => query("[data-blocked]")?.dataset.blocked;

/** htmx drops the response for an element that was swapped away. */
const isHtmxBusy = () => query(".htmx-request") !== null;

/** @param {string} html */
export const parseDocument = (html) => new DOMParser().parseFromString(html, "text/html");

/**
 * @param {string} url
 * @returns {Promise<Document | null>} null: an error, or a redirect (to the login page)
 */
const fetchDocument = async (url) => {
	try {
		const response = await fetch(url, { signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS) });
		const html = response.ok && !response.redirected ? await response.text() : "";
		return html ? parseDocument(html) : null;
	} catch {
		return null;
	}
};

/**
 * @param {string} cardsUrl the ids follow it
 * @param {CardHandlers} handlers
 */
export const createCards = (
	cardsUrl,
	{ aroundSwap, onScan, onMissing, placeCard, minDelayMs = 0 },
) => {
	/** @type {Map<string, Card>} */
	const shownCards = new Map();
	/** @type {Set<string>} */
	const requestedIds = new Set();
	let isFetching = false;
	let fetchTimer = 0;

	const scanPage = () => {
		shownCards.clear();
		for (const element of queryAll("[data-video-id]")) {
			const { videoId = "", status = "", attempt } = element.dataset;
			shownCards.set(videoId, { status, attempt: Number(attempt), element });
		}
		onScan();
	};

	/** @param {number} [delayMs] 0: now */
	const scheduleFetch = (delayMs = minDelayMs + Math.random() * MAX_JITTER_MS) => {
		if (document.hidden || isFetching || !requestedIds.size) return;
		if (!delayMs) fetchRequested();
		else if (!fetchTimer) fetchTimer = setTimeout(fetchRequested, delayMs);
	};

	/**
	 * @param {Iterable<string>} videoIds
	 * @param {number} [delayMs]
	 */
	const requestCards = (videoIds, delayMs) => {
		for (const videoId of videoIds) requestedIds.add(videoId);
		if (requestedIds.size > MAX_CARDS_PER_REQUEST) requestAll();
		else scheduleFetch(delayMs);
	};

	/**
	 * Request the list, or each card where there is none.
	 *
	 * @param {number} [delayMs]
	 */
	const requestAll = (delayMs) => {
		requestedIds.clear();
		const ids = findList() ? [LIST_ID] : shownCards.keys();
		for (const id of ids) requestedIds.add(id);
		if (!requestedIds.size) requestedIds.add(PARTS_ID);
		scheduleFetch(delayMs);
	};

	const fetchRequested = async () => {
		clearTimeout(fetchTimer);
		fetchTimer = 0;
		if (document.hidden || !requestedIds.size) return;
		const { search } = location;
		const ids = [...requestedIds];
		const path = requestedIds.has(LIST_ID) ? findList()?.dataset.list : cardsUrl;
		requestedIds.clear();
		isFetching = true;
		const response = await fetchDocument(`${path}${search.slice(1)}&id=${ids.join("&id=")}`);
		isFetching = false;
		const isOtherPage = search !== location.search;
		if (response && !isHtmxBusy() && !isOtherPage) swapResponse(response, ids);
		else for (const id of ids) requestedIds.add(id);
		scheduleFetch(response ? undefined : RETRY_DELAY_MS);
	};

	/**
	 * @param {Document} response
	 * @param {string[]} ids
	 */
	const swapResponse = (response, ids) => {
		const freshList = findList(response);
		const block = readBlock();
		const swap = () => {
			if (freshList) findList()?.replaceWith(freshList);
			else
				for (const id of ids)
					if (id !== PARTS_ID) swapCard(id, query(`[data-video-id="${id}"]`, response));
			swapParts(response);
		};
		preserveState(() => aroundSwap(swap));
		if (freshList) requestedIds.add(PARTS_ID);
		if (!freshList && readBlock() !== block) requestedIds.add(LIST_ID);
		scanPage();
	};

	/**
	 * @param {string} videoId
	 * @param {HTMLElement | null} freshCard null: the server does not have this video
	 */
	const swapCard = (videoId, freshCard) => {
		if (!freshCard) onMissing(videoId);
		if (placeCard(shownCards.get(videoId)?.element, freshCard)) requestedIds.add(LIST_ID);
	};

	return {
		/** @type {ShownElements} */
		shownCards,
		scanPage,
		requestCards,
		requestAll,
		requestedIds,
		isBusy: () => isFetching || isHtmxBusy(),
		swapResponse,
		/** Request what stands beside the cards, the header's pill among it. */
		requestParts: () => requestCards([PARTS_ID]),
	};
};
