/** Keyboard shortcuts, while the visitor does not write. Templates name them: `aria-keyshortcuts`. */

import { query } from "./dom.js";

const TEXT_FIELDS = "input:not([type=checkbox], [type=range]), textarea, select";

/** @param {EventTarget | null} target */
export const isTextField = (target) => target instanceof Element && !!target.closest(TEXT_FIELDS);

/**
 * Focus the field of a shortcut, or press its link or button; the focus stays where it was.
 *
 * @param {string} key
 */
export const activateShortcut = (key) => {
	const element = query(`[aria-keyshortcuts="${CSS.escape(key)}"]`);
	if (element?.matches("a, button")) element.click();
	else element?.focus();
	return element !== null;
};

/** @param {(key: string, target: HTMLElement) => boolean} handleKey returns whether it used the key */
export const listenForKeys = (handleKey) => {
	addEventListener("keydown", (event) => {
		const { key, ctrlKey, altKey, metaKey } = event;
		const target = /** @type {HTMLElement | null} */ (event.target);
		if (!target || ctrlKey || altKey || metaKey || query("dialog:modal")) return;
		const isField = isTextField(target);
		// A search field clears itself first; an open popover closes, and gives the focus back.
		if (key === "Escape" && isField) setTimeout(() => target.blur());
		else if (key === "Escape" && !query(":popover-open")) target.blur();
		if (event.defaultPrevented || isField) return;
		if (handleKey(key, target)) event.preventDefault();
	});
};
