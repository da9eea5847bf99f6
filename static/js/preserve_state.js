/** The visitor's selection and focus, kept over a swap of the markup that holds them. */

import { queryAll, queryVisible, restoreFocus } from "./dom.js";

// Focus moves between these when the focused control is gone: one a card, and the queue's first button.
const LANDMARKS = "[data-title], .queue-state button:first-child";
const LANDMARK_PARENTS = "[data-video-id], .queue-state";
const CONTROLS = "a, button, input";

/** @returns {HTMLInputElement[]} the check boxes that select videos */
const selectionBoxes = () => queryAll(".pick");

/**
 * Find the control whose tag and attributes equal those of one that is gone, content aside.
 *
 * @param {Element} control
 * @returns {HTMLElement | undefined}
 */
const findSameControl = (control) => {
	const shallowCopy = control.cloneNode();
	return queryVisible(CONTROLS).find((candidate) => candidate.cloneNode().isEqualNode(shallowCopy));
};

/**
 * Run a swap, and select and focus afterwards what was selected and focused before.
 *
 * When the focused control is gone or hidden, the same control in the new markup gets the focus, or
 * else the landmark at its place, or else the one before.
 *
 * @param {() => void} swap
 */
export const preserveState = (swap) => {
	const selectedIds = selectionBoxes()
		.filter((box) => box.checked)
		.map((box) => box.value);
	const { activeElement } = document;
	const place = queryVisible(LANDMARKS).findIndex((landmark) =>
		landmark.closest(LANDMARK_PARENTS)?.contains(activeElement),
	);

	swap();

	for (const box of selectionBoxes()) box.checked = selectedIds.includes(box.value);
	if (!activeElement || activeElement.checkVisibility()) return;
	const landmarks = queryVisible(LANDMARKS);
	restoreFocus(findSameControl(activeElement) ?? landmarks[place] ?? landmarks[place - 1]);
};
