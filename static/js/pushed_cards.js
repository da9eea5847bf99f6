/** Cards that the server pushes to the library's first page, in place of a request by each page. */

import { parseDocument } from "./cards.js";
import { query } from "./dom.js";

/** @import { Cards } from "./cards.js" */

/**
 * @typedef {object} PushedCards
 * @property {string} hello asks for them
 * @property {number} timeoutMs after which the page fetches what was not pushed
 * @property {(frame: CardsFrame, cards: Cards, knownRev: number) => void} swapIn
 */

const can = query("[data-push]")?.dataset.push;

/** @type {PushedCards} */
export const pushedCards = {
	/** With what the page was rendered for, which decides the buttons. */
	hello: JSON.stringify({ type: "cards", can }),
	timeoutMs: 500,

	/** Swap them in, unless the page has heard of a later change, fetches, or shows anything else. */
	swapIn({ rev, ids, html }, cards, knownRev) {
		const isFirstPage = !location.search && query("[data-page-size]");
		const wanted = ids.filter((id) => cards.requestedIds.has(id));
		if (!isFirstPage || cards.isBusy() || rev < knownRev || !wanted.length) return;
		for (const id of wanted) cards.requestedIds.delete(id);
		cards.swapResponse(parseDocument(html), wanted);
	},
};
