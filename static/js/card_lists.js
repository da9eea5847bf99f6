/** Lists of cards: where a card comes in, moves to or leaves, and the cards that the server pushes to them. */

import { parseDocument } from "./cards.js";
import { query, queryAll } from "./dom.js";

/** @import { Cards, PlaceCard } from "./cards.js" */

/**
 * @param {HTMLElement} container
 * @param {HTMLElement} card
 */
const findNextCard = (container, card) => {
	const order = Number(card.dataset.order);
	const isAfter = (/** @type {HTMLElement} */ other) => Number(other.dataset.order) > order;
	return queryAll(":scope > li", container).find(isAfter) ?? null;
};

/** @param {HTMLElement} container of cards; all of them, or a page with so many */
const pageSize = ({ dataset }) => Number(dataset.pageSize ?? Infinity);

/**
 * Tell whether the page is another once this card is gone: empty, or with a card of the next page.
 *
 * @param {HTMLElement | undefined} card
 */
const changesPage = (card) => {
	/** @type {HTMLElement | undefined | null} */
	const container = card?.closest("[data-page-size]");
	const count = container?.children.length;
	return container && (count === 1 || Number(count) >= pageSize(container));
};

/**
 * @param {HTMLElement} oldCard
 * @param {HTMLElement} freshCard
 */
const isSamePlace = (oldCard, freshCard) =>
	oldCard.dataset.place === freshCard.dataset.place &&
	oldCard.dataset.order === freshCard.dataset.order;

/**
 * Replace a card, or move it to where it belongs now.
 *
 * @type {PlaceCard}
 */
export const placeCard = (oldCard, freshCard) => {
	if (oldCard && freshCard && isSamePlace(oldCard, freshCard)) {
		oldCard.replaceWith(freshCard);
		return false;
	}
	const place = freshCard?.dataset.place;
	const container = query(`[data-place-for="${place}"]`);
	// Only the server knows what a list that is cut, or a filtered library, shows now.
	const isCut = [oldCard, container].some((element) => element?.closest("[data-more]"));
	const needsList = isCut || changesPage(oldCard) || (place === "library" && !container);
	oldCard?.remove();
	if (freshCard && container) {
		container.insertBefore(freshCard, findNextCard(container, freshCard));
		if (container.children.length > pageSize(container)) container.lastElementChild?.remove();
	}
	return needsList;
};

/**
 * @typedef {object} PushedCards
 * @property {string} hello asks for them
 * @property {number} timeoutMs after which the page fetches what was not pushed
 * @property {(frame: CardsFrame, cards: Cards, knownRev: number) => void} swapIn
 */

// With what the page was rendered for, which decides the buttons.
const can = query("[data-push]")?.dataset.push;

/** @type {PushedCards} */
export const pushedCards = {
	hello: JSON.stringify({ type: "cards", can }),
	timeoutMs: 500,

	/** Swap them in, unless the page has heard of a later change, fetches, or shows anything else. */
	swapIn({ rev, ids, html }, cards, knownRev) {
		const isFirstPage = !location.search && query("[data-page-size]");
		const wanted = ids.filter((id) => cards.requestedIds.has(id));
		if (!isFirstPage || cards.isBusy() || rev < knownRev || !wanted.length) return;
		for (const id of wanted) cards.requestedIds.delete(id);
		const response = parseDocument(html);
		// What is gone was perhaps begun: its row “Continue watching” is personal.
		if (wanted.some((id) => !query(`[data-video-id="${id}"]`, response))) cards.requestParts();
		cards.swapResponse(response, wanted);
	},
};
