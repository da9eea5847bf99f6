/** The keyboard: search, add, from card to card, select, play. */

import { all, find } from "./page.js";
import { press } from "./player.js";

addEventListener("keydown", (event) => {
	const { key, ctrlKey, altKey, metaKey } = event;
	const target = /** @type {HTMLElement} */ (event.target);
	if (ctrlKey || altKey || metaKey || find("dialog[open]")) return;
	if (key === "Escape") target.blur();
	if (target.matches("input:not([type=checkbox]), textarea, select")) return;
	/** @type {HTMLElement | null} */
	const card = target.closest("li[data-video-id]");
	if (card && key === "x") find("[name=id]", card)?.click();
	/** @type {Record<string, string>} */
	const fields = { "/": "[type=search]", n: "[name=urls]" };
	const field = fields[key];
	const next = field ? find(field) : card && neighbour(card, key);
	next?.focus();
	if (next || press(event)) event.preventDefault();
});

/** @param {HTMLElement} card @param {string} key */
function neighbour(card, key) {
	const cards = all("li[data-video-id]").filter((other) => other.checkVisibility());
	const at = cards.indexOf(card);
	const { x, y } = card.getBoundingClientRect();
	/** How far it is to a row above or below, and within that to the card. @param {HTMLElement} other */
	const far = (other) => {
		const to = other.getBoundingClientRect();
		const down = (to.y - y) * (key === "ArrowUp" ? -1 : 1);
		return down > 1 ? down * 100 + Math.abs(to.x - x) : Infinity;
	};
	const nearest = () => cards.reduce((best, other) => (far(other) < far(best) ? other : best), card);
	/** @type {Record<string, number>} */
	const places = { Home: 0, End: cards.length - 1, ArrowLeft: at - 1, ArrowRight: at + 1 };
	const found = /^Arrow(Up|Down)$/.test(key) ? nearest() : cards[places[key] ?? -1];
	return found ? find("[data-title]", found) : null;
}
