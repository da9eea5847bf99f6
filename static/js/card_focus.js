/**
 * Focus among the cards and rows: one tab stop each, its title. Up and down go from title to title; left and right
 * go to the next card, or through the buttons of a row. `m` opens a card's menu.
 */

import { moveMenuFocus, openMenu } from "./card_menu.js";
import { query, queryAll, queryVisible, restoreFocus } from "./dom.js";

const TITLES = "li [data-title]";
// What else a card has; screen readers and the pointer reach it, and keys on the title do the same.
const ROW_BUTTONS = ".actions :is(a, button)";
const OTHER_CONTROLS = `.card > :is(.pick, .more), .card > .facts > a, .row > .pick, .row ${ROW_BUTTONS}`;

/** Without scripts they all are tab stops. */
export const makeSingleTabStops = () => {
	for (const control of queryAll(OTHER_CONTROLS)) control.tabIndex = -1;
};

/**
 * @param {string} key
 * @param {number} position of the focused card
 * @param {(number | undefined)[]} columns the left edge of each card
 * @returns {number} out of range: no move
 */
const nextPosition = (key, position, columns) => {
	const column = columns[position];
	/** @type {Record<string, number>} */
	const positions = {
		ArrowLeft: position - 1,
		ArrowRight: position + 1,
		ArrowUp: columns.slice(0, position).lastIndexOf(column),
		ArrowDown: columns.indexOf(column, position + 1),
		Home: 0,
		End: columns.length - 1,
	};
	return positions[key] ?? -1;
};

// Where the keys lead while no card has the focus.
/** @type {Record<string, number>} */
const FIRST_POSITIONS = { ArrowRight: 0, ArrowDown: 0, ArrowLeft: -1, ArrowUp: -1 };

/**
 * @param {string} key
 * @param {HTMLElement} target
 * @returns {HTMLElement | undefined}
 */
const findNextTitle = (key, target) => {
	const titles = queryVisible(TITLES);
	const focusedCard = target.closest("li");
	const position = titles.findIndex((title) => focusedCard?.contains(title));
	if (position >= 0) {
		const columns = titles.map((title) => title.closest("li")?.offsetLeft);
		return titles[nextPosition(key, position, columns)];
	}
	const first = FIRST_POSITIONS[key];
	const isFresh = target === document.body && first !== undefined;
	return isFresh ? titles.at(first) : undefined;
};

/**
 * @param {HTMLElement} row
 * @param {HTMLElement} target within it
 * @param {number} step 1: to the right
 * @returns {HTMLElement | undefined} its title or one of its buttons; none beyond the ends
 */
const findNextInRow = (row, target, step) => {
	const controls = queryAll(`[data-title], ${ROW_BUTTONS}`, row);
	return controls[controls.indexOf(target) + step];
};

// What opened the dialog may have been replaced behind it: the card that it is about gets the focus then.
query("#dialog")?.addEventListener("close", () => {
	const id = query("[data-id]")?.dataset.id;
	restoreFocus(query(`[data-video-id="${id}"] [data-title]`));
});

/**
 * @param {string} key
 * @param {HTMLElement} target
 * @returns {boolean} whether the key was used
 */
export const handleCardKey = (key, target) => {
	if (target.closest(".card-menu")) return key.startsWith("Arrow") && moveMenuFocus(key);
	/** @type {HTMLElement | null} */
	const card = target.closest("li:is(.card, .row)");
	if (key === "m" && card) return openMenu(card);
	if (key === "x" && card) {
		query(".pick", card)?.click();
		return true;
	}
	const step = { ArrowLeft: -1, ArrowRight: 1 }[key];
	const next =
		step && card?.matches(".row") ? findNextInRow(card, target, step) : findNextTitle(key, target);
	next?.focus();
	return next !== undefined;
};
