/** The selected videos, kept over a swap of the markup that holds their boxes. */

import { queryAll } from "./dom.js";

/** @returns {HTMLInputElement[]} */
const selectionBoxes = () => queryAll(".pick, [data-select-all]");

/**
 * @param {HTMLInputElement} box
 * @returns {string} that of the box for all, whose value is a number that may change: its name
 */
const keyOf = (box) => (box.name === "all" ? box.name : box.value);

/** @param {() => void} swap */
export const preserveSelection = (swap) => {
	const selectedIds = selectionBoxes()
		.filter((box) => box.checked)
		.map(keyOf);

	swap();

	for (const box of selectionBoxes()) box.checked = selectedIds.includes(keyOf(box));
};
