/** Keyboard navigation between the cards of a list or a grid. */

import { queryVisible } from "./dom.js";

const TITLES = "li [data-title]";

/**
 * Return the position to which a key moves.
 *
 * Cards that begin at the same `offsetLeft` are one column, whatever the number of columns.
 *
 * @param {string} key
 * @param {number} position of the focused card
 * @param {(number | undefined)[]} columns the left edge of each card
 * @returns {number} no valid position: the key does not move, or there is no card
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
 * Move the focus from the title of one card to that of another.
 *
 * @param {string} key
 * @param {HTMLElement} target the focused element, in a card or not
 * @returns {boolean} whether the focus has moved
 */
export const moveCardFocus = (key, target) => {
	const titles = queryVisible(TITLES);
	const focusedCard = target.closest("li");
	const position = titles.findIndex((title) => focusedCard?.contains(title));
	if (position < 0) return false;
	const columns = titles.map((title) => title.closest("li")?.offsetLeft);
	const nextTitle = titles[nextPosition(key, position, columns)];
	nextTitle?.focus();
	return nextTitle !== undefined;
};
