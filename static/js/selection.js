/** Selection of cards: a range with Shift, the page, all pages; Escape clears. */

import { query, queryAll } from "./dom.js";

/** @returns {HTMLInputElement[]} */
const boxes = () => queryAll(".pick");
/** All videos of the listing, on its other pages too. */
const selectAllBox = () => /** @type {HTMLInputElement | null} */ (query("[data-select-all]"));
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

addEventListener("click", (event) => {
	const target = /** @type {Element | null} */ (event.target);
	const allBox = selectAllBox();
	/** @type {HTMLInputElement | null | undefined} a check box also clears what it selects; a button has no state */
	const pageControl = target?.closest("[data-select-page]");
	if (pageControl || (target === allBox && allBox?.checked))
		for (const box of boxes()) box.checked = pageControl?.checked ?? true;
	if (!target?.matches(".pick")) return;
	const box = /** @type {HTMLInputElement} */ (target);
	if (event.shiftKey) selectRange(box);
	// What is left out is not among all.
	if (!box.checked && allBox) allBox.checked = false;
	lastValue = box.value;
});

addEventListener("keydown", ({ key }) => {
	if (key !== "Escape" || query(":popover-open, dialog[open]")) return;
	/** @type {HTMLFormElement | null} */ (query("#many"))?.reset();
});

// Of no use without a touch screen.
if (navigator.maxTouchPoints) import("./touch_selection.js");
