/**
 * Video cards: the server's own partials, fetched when they may have changed, and swapped in.
 *
 * Ids are gathered and fetched in one request after a random wait, so that the pages of many
 * visitors do not ask in the same moment; and only while somebody looks at the page.
 */

import { query, queryAll } from "./dom.js";
import { preserveState } from "./preserve_state.js";

/** @import { CardState } from "./store.js" */

/**
 * What the page shows of a video, and where.
 *
 * @typedef {CardState & { element: HTMLElement }} Card
 */

/**
 * By video id.
 *
 * @typedef {ReadonlyMap<string, Card>} ShownElements
 */

/**
 * @typedef {object} CardHandlers
 * @property {(swap: () => void) => void} aroundSwap runs the swap that it is given
 * @property {() => void} onScan the page may show other cards
 * @property {(videoId: string) => void} onMissing the server does not have this video
 */

const MAX_JITTER_MS = 1_000;
const RETRY_DELAY_MS = 5_000;
const REQUEST_TIMEOUT_MS = 10_000;
// The server answers no more ids in one request; beyond them the whole list is fetched.
const MAX_CARDS_PER_REQUEST = 100;
// Stands among the requested ids for the whole list; no video has it.
const LIST_ID = "";

/** @param {Document} [root] */
const findList = (root) => query("[data-list]", root);

/**
 * Find the card that a new one must stand before, by `data-order`.
 *
 * @param {HTMLElement} container
 * @param {HTMLElement} card
 * @returns {HTMLElement | null} null: none, the new one is the last
 */
const findNextCard = (container, card) => {
	const order = Number(card.dataset.order);
	const isAfter = (/** @type {HTMLElement} */ other) => Number(other.dataset.order) > order;
	return queryAll(":scope > li", container).find(isAfter) ?? null;
};

/**
 * Replace the other parts of the page that a response brings, such as the queue's state.
 *
 * @param {Document} response
 */
const swapParts = (response) => {
	for (const freshPart of queryAll("[data-part]", response)) {
		const oldPart = query(`[data-part="${freshPart.dataset.part}"]`);
		if (oldPart && !oldPart.isEqualNode(freshPart)) oldPart.replaceWith(freshPart);
	}
};

/**
 * Fetch markup, and parse it without running or loading anything.
 *
 * @param {string} url
 * @returns {Promise<Document | null>} null: no answer, an error, or a redirect (to the login page)
 */
const fetchDocument = async (url) => {
	try {
		const response = await fetch(url, { signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS) });
		const html = response.ok && !response.redirected ? await response.text() : "";
		return html ? new DOMParser().parseFromString(html, "text/html") : null;
	} catch {
		return null;
	}
};

/**
 * Create what keeps the page's cards up to date.
 *
 * @param {string} cardsUrl of the cards' partials, up to where the ids follow
 * @param {CardHandlers} handlers
 */
export const createCards = (cardsUrl, { aroundSwap, onScan, onMissing }) => {
	/** @type {Map<string, Card>} */
	const shownCards = new Map();
	/** @type {Set<string>} */
	const requestedIds = new Set();
	let isFetching = false;
	let fetchTimer = 0;

	/** Read from the markup what the page shows. */
	const scanPage = () => {
		shownCards.clear();
		for (const element of queryAll("[data-video-id]")) {
			const { videoId = "", status = "", attempt } = element.dataset;
			shownCards.set(videoId, { status, attempt: Number(attempt), element });
		}
		onScan();
	};

	// Requests ----------------------------------------------------------------------------------

	/** @param {number} [delayMs] 0: now, whatever else is scheduled */
	const scheduleFetch = (delayMs = Math.random() * MAX_JITTER_MS) => {
		if (document.hidden || isFetching || !requestedIds.size) return;
		if (!delayMs) fetchRequested();
		else if (!fetchTimer) fetchTimer = setTimeout(fetchRequested, delayMs);
	};

	/**
	 * Fetch these cards, which may have changed.
	 *
	 * @param {Iterable<string>} videoIds
	 * @param {number} [delayMs]
	 */
	const requestCards = (videoIds, delayMs) => {
		for (const videoId of videoIds) requestedIds.add(videoId);
		if (requestedIds.size > MAX_CARDS_PER_REQUEST) requestAll();
		else scheduleFetch(delayMs);
	};

	/** Fetch everything, since anything may have changed: the list, or each card where there is none. */
	const requestAll = () => {
		requestedIds.clear();
		const ids = findList() ? [LIST_ID] : shownCards.keys();
		for (const id of ids) requestedIds.add(id);
		scheduleFetch();
	};

	const fetchRequested = async () => {
		clearTimeout(fetchTimer);
		fetchTimer = 0;
		if (document.hidden) return;
		const { search } = location;
		const ids = [...requestedIds];
		const path = requestedIds.has(LIST_ID) ? findList()?.dataset.list : cardsUrl;
		// What is requested from here on is fetched after this, since it may be newer.
		requestedIds.clear();
		isFetching = true;
		const response = await fetchDocument(`${path}${search.slice(1)}&id=${ids.join("&id=")}`);
		isFetching = false;
		// htmx drops the response of an element that is swapped away, and the visitor's click with it.
		const isHtmxBusy = query(".htmx-request") !== null;
		// The visitor has turned to another page of the list meanwhile.
		const isOtherPage = search !== location.search;
		if (response && !isHtmxBusy && !isOtherPage) swapResponse(response, ids);
		else for (const id of ids) requestedIds.add(id);
		scheduleFetch(response ? undefined : RETRY_DELAY_MS);
	};

	// Swaps -------------------------------------------------------------------------------------

	/**
	 * @param {Document} response
	 * @param {string[]} ids
	 */
	const swapResponse = (response, ids) => {
		const freshList = findList(response);
		const swap = () => {
			if (freshList) findList()?.replaceWith(freshList);
			else for (const id of ids) swapCard(id, query(`[data-video-id="${id}"]`, response));
			swapParts(response);
		};
		preserveState(() => aroundSwap(swap));
		scanPage();
	};

	/**
	 * Replace a card, or move it to the list that it belongs to now.
	 *
	 * @param {string} videoId
	 * @param {HTMLElement | null} freshCard null: the server does not have this video
	 */
	const swapCard = (videoId, freshCard) => {
		const oldCard = shownCards.get(videoId)?.element;
		if (!freshCard) onMissing(videoId);
		if (oldCard && freshCard && isSamePlace(oldCard, freshCard)) {
			oldCard.replaceWith(freshCard);
			return;
		}
		const place = freshCard?.dataset.place;
		const container = query(`[data-place-for="${place}"]`);
		// Only the server knows which card enters or leaves at the end of a list that is cut, and what
		// a library that takes no new cards (filtered, or not its first page) shows now.
		const isCut = [oldCard, container].some((element) => element?.closest("[data-more]"));
		if (isCut || (place === "library" && !container)) requestedIds.add(LIST_ID);
		oldCard?.remove();
		if (freshCard && container)
			container.insertBefore(freshCard, findNextCard(container, freshCard));
	};

	return {
		/** @type {ShownElements} */
		shownCards,
		scanPage,
		requestCards,
		requestAll,
	};
};

/**
 * Tell whether a card stays where it is.
 *
 * @param {HTMLElement} oldCard
 * @param {HTMLElement} freshCard
 * @returns {boolean}
 */
const isSamePlace = (oldCard, freshCard) =>
	oldCard.dataset.place === freshCard.dataset.place &&
	oldCard.dataset.order === freshCard.dataset.order;
