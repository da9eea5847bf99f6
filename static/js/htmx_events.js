/** Reactions to htmx: dialogs, the focus after a swap, and the cards that an action has changed. */

import { query, restoreFocus } from "./dom.js";

/**
 * The part of the cards that an action needs.
 *
 * @typedef {object} CardRequests
 * @property {() => void} scanPage
 * @property {(videoIds: string[], delayMs: number) => void} requestCards
 * @property {() => void} requestAll
 */

/** @param {Event} event */
const targetOf = (event) => /** @type {Element} */ (event.target);

/**
 * Listen to htmx's events, and to the `acted` event that the server triggers after an action.
 *
 * @param {CardRequests} cards
 */
export const listenToHtmx = (cards) => {
	addEventListener("htmx:afterSettle", (event) => {
		const target = targetOf(event);
		if (target.id === "dialog") /** @type {HTMLDialogElement} */ (target).showModal();
		if (target.id === "listing") cards.scanPage();
		restoreFocus();
	});

	addEventListener("htmx:afterRequest", (event) => {
		const { detail } = /** @type {CustomEvent<{ xhr: XMLHttpRequest }>} */ (event);
		// By this the style sheet shows that a request did not reach the server.
		document.documentElement.dataset.sent = `${detail.xhr.status}`;
	});

	addEventListener("acted", (event) => {
		const { detail } = /** @type {CustomEvent<{ ids: string[] }>} */ (event);
		/** @type {HTMLFormElement | null} */
		const selectionForm = targetOf(event).closest("#many");
		/** @type {HTMLDialogElement | null} */
		const dialog = query("dialog");
		selectionForm?.reset();
		dialog?.close();
		// Without ids, the action was one of the whole queue.
		if (detail.ids.length) cards.requestCards(detail.ids, 0);
		else cards.requestAll();
	});
};
