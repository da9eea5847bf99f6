/** The visitor's selection and focus, kept over a swap of the markup that holds them. */

import { queryAll, queryVisible, restoreFocus } from "./dom.js";

// Where the focus may go: one a card, and one of the queue.
const LANDMARKS = "[data-title], .toggles-queue";
const LANDMARK_PARENTS = "[data-video-id], .toggles-queue";
const CONTROLS = "a, button, input";

/** @returns {HTMLInputElement[]} */
const selectionBoxes = () => queryAll(".pick, [data-select-all]");

/**
 * @param {HTMLInputElement} box
 * @returns {string} that of the box for all, whose value is a number that may change: its name
 */
const keyOf = (box) => (box.name === "all" ? box.name : box.value);

/**
 * Find the control with the tag and attributes of one that is gone.
 *
 * @param {Element} control
 */
const findSameControl = (control) => {
	const shallowCopy = control.cloneNode();
	return queryVisible(CONTROLS).find((candidate) => candidate.cloneNode().isEqualNode(shallowCopy));
};

/**
 * Run a swap, then select and focus what was: the same control, or else the landmark at its place.
 *
 * @param {() => void} swap
 */
export const preserveState = (swap) => {
	const selectedIds = selectionBoxes()
		.filter((box) => box.checked)
		.map(keyOf);
	const { activeElement } = document;
	const place = queryVisible(LANDMARKS).findIndex((landmark) =>
		landmark.closest(LANDMARK_PARENTS)?.contains(activeElement),
	);

	swap();

	for (const box of selectionBoxes()) box.checked = selectedIds.includes(keyOf(box));
	if (!activeElement || activeElement.checkVisibility()) return;
	const landmarks = queryVisible(LANDMARKS);
	restoreFocus(findSameControl(activeElement) ?? landmarks[place] ?? landmarks[place - 1]);
};
