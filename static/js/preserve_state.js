/** The visitor's focus and open menu, kept over a swap of the markup that holds them. */

import { query, queryVisible, restoreFocus } from "./dom.js";

// Where the focus may go: one a card, and one of the queue.
const LANDMARKS = "[data-title], .toggles-queue";
const LANDMARK_PARENTS = "[data-video-id], .toggles-queue";
const CONTROLS = "a, button, input";

/**
 * Find the control with the tag and attributes of one that is gone.
 *
 * @param {Element} control
 */
const findSameControl = (control) => {
	const shallowCopy = control.cloneNode();
	// The last: an open menu may repeat what stands before it.
	return queryVisible(CONTROLS).findLast((candidate) =>
		candidate.cloneNode().isEqualNode(shallowCopy),
	);
};

/** @param {string} id */
const reopenMenu = (id) => {
	const button = query(`[popovertarget=${id}]`);
	// It gets the focus when the menu is closed.
	button?.focus({ preventScroll: true });
	button?.click();
	button?.blur();
};

/**
 * Run a swap, then open the menu and focus the control that were; without it, the landmark at its place.
 *
 * @param {() => void} swap
 */
export const preserveState = (swap) => {
	const activeElement = /** @type {HTMLElement} */ (document.activeElement);
	const menu = query(":popover-open");
	const place = queryVisible(LANDMARKS).findIndex((landmark) =>
		landmark.closest(LANDMARK_PARENTS)?.contains(activeElement),
	);

	swap();

	if (menu && !menu.isConnected) reopenMenu(menu.id);
	const landmarks = queryVisible(LANDMARKS);
	if (activeElement.checkVisibility()) activeElement.focus({ preventScroll: true });
	else restoreFocus(findSameControl(activeElement) ?? landmarks[place] ?? landmarks[place - 1]);
};
