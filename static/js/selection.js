/** Selection of cards: a range with Shift, all of the page, Escape clears; on touch a long press begins it. */

import { query, queryAll } from "./dom.js";

const LONG_PRESS_MS = 500;

/** @returns {HTMLInputElement[]} */
const boxes = () => queryAll(".pick");
const isSelecting = () => query(".pick:checked") !== null;

/** @type {string | undefined} the value of the box that was clicked last */
let lastValue;

/** @param {HTMLInputElement} box with the state that the range gets */
const selectRange = (box) => {
	const all = boxes();
	const ends = [all.findIndex(({ value }) => value === lastValue), all.indexOf(box)];
	if (Math.min(...ends) < 0) return;
	for (const other of all.slice(Math.min(...ends), Math.max(...ends) + 1))
		other.checked = box.checked;
};

/** @param {Element | null | undefined} card */
const toggleCard = (card) =>
	/** @type {HTMLElement | null | undefined} */ (card?.querySelector(".pick"))?.click();

addEventListener("click", (event) => {
	const target = /** @type {Element | null} */ (event.target);
	if (target?.closest("[data-select-all]")) for (const box of boxes()) box.checked = true;
	if (!target?.matches(".pick")) return;
	const box = /** @type {HTMLInputElement} */ (target);
	if (event.shiftKey) selectRange(box);
	lastValue = box.value;
});

addEventListener("keydown", ({ key }) => {
	if (key !== "Escape" || query(":popover-open, dialog[open]")) return;
	/** @type {HTMLFormElement | null} */ (query("#many"))?.reset();
});

let pressTimer = 0;
let wasLongPress = false;

addEventListener("pointerdown", ({ pointerType, target }) => {
	wasLongPress = false;
	const card = /** @type {Element | null} */ (target)?.closest(".card");
	if (pointerType !== "touch" || !card) return;
	pressTimer = setTimeout(() => {
		wasLongPress = true;
		toggleCard(card);
	}, LONG_PRESS_MS);
});
for (const event of ["pointerup", "pointercancel", "scroll"])
	addEventListener(event, () => clearTimeout(pressTimer), true);

// The menu of the browser, which a long press opens too.
addEventListener("contextmenu", (event) => {
	if (wasLongPress) event.preventDefault();
});

// A tap on the picture or the title selects, once something is selected.
addEventListener(
	"click",
	(event) => {
		const target = /** @type {Element | null} */ (event.target);
		const isCardLink = target?.closest(".card > .thumb, .card [data-title]");
		const isTouch = /** @type {PointerEvent} */ (event).pointerType === "touch";
		if (!isCardLink || !isTouch || !(wasLongPress || isSelecting())) return;
		event.preventDefault();
		if (!wasLongPress) toggleCard(target?.closest(".card"));
		wasLongPress = false;
	},
	true,
);
