/** Place of a card in the lists of a page: where it comes in, moves to, or leaves. */

import { query, queryAll } from "./dom.js";

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
 * Tell whether another card comes from the next page once this one is gone.
 *
 * @param {HTMLElement | undefined} card
 */
const isFull = (card) => {
	/** @type {HTMLElement | undefined | null} */
	const container = card?.closest("[data-page-size]");
	return container && container.children.length >= pageSize(container);
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
 * @type {import("./cards.js").PlaceCard}
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
	const needsList = isCut || isFull(oldCard) || (place === "library" && !container);
	oldCard?.remove();
	if (freshCard && container) {
		container.insertBefore(freshCard, findNextCard(container, freshCard));
		if (container.children.length > pageSize(container)) container.lastElementChild?.remove();
	}
	return needsList;
};
