/** Entry of the library: a live list that animates its changes, with keys and a selection. */

import { queryAll, queryVisible } from "./dom.js";
import { animateSwap } from "./flip.js";
import { startLivePage } from "./live_page.js";
import { listenForKeys } from "./shortcuts.js";

const TITLES = "li [data-title]";

/**
 * @param {string} key
 * @param {number} position of the focused card
 * @param {(number | undefined)[]} columns the left edge of each card
 * @returns {number} out of range: no move
 */
const nextPosition = (key, position, columns) => {
	const column = columns[position];
	switch (key) {
		case "ArrowLeft":
			return position - 1;
		case "ArrowRight":
			return position + 1;
		case "ArrowUp":
			return columns.slice(0, position).lastIndexOf(column);
		case "ArrowDown":
			return columns.indexOf(column, position + 1);
		case "Home":
			return 0;
		case "End":
			return columns.length - 1;
		default:
			return -1;
	}
};

/**
 * @param {string} key
 * @param {HTMLElement} target
 * @returns {boolean} whether the focus has moved
 */
const moveCardFocus = (key, target) => {
	const titles = queryVisible(TITLES);
	const focusedCard = target.closest("li");
	const position = titles.findIndex((title) => focusedCard?.contains(title));
	if (position < 0) return false;
	const columns = titles.map((title) => title.closest("li")?.offsetLeft);
	const nextTitle = titles[nextPosition(key, position, columns)];
	nextTitle?.focus();
	return nextTitle !== undefined;
};

const selectAll = () => {
	for (const box of /** @type {HTMLInputElement[]} */ (queryAll(".pick"))) box.checked = true;
};

startLivePage({ aroundSwap: animateSwap });
listenForKeys(moveCardFocus);
addEventListener("click", ({ target }) => {
	if (/** @type {Element | null} */ (target)?.closest("[data-select-all]")) selectAll();
});
