/** Keyboard shortcuts, while the visitor does not write. Templates name them: `aria-keyshortcuts`. */

import { query } from "./dom.js";

const TEXT_FIELDS = "input:not([type=checkbox]), textarea, select";

/** @param {string} key */
const activateShortcut = (key) => {
	const element = query(`[aria-keyshortcuts="${CSS.escape(key)}"]`);
	if (!element) return false;
	element.focus();
	if (element.matches("a")) element.click();
	return true;
};

/** @param {(key: string, target: HTMLElement) => boolean} handleKey returns whether it used the key */
export const listenForKeys = (handleKey) => {
	addEventListener("keydown", (event) => {
		const { key, ctrlKey, altKey, metaKey } = event;
		const target = /** @type {HTMLElement | null} */ (event.target);
		const hasModifier = ctrlKey || altKey || metaKey;
		if (!target || hasModifier || query("dialog[open]")) return;
		// A search field clears itself first; an open popover closes, and gives the focus back.
		if (key === "Escape" && !query(":popover-open")) setTimeout(() => target.blur());
		if (target.closest(TEXT_FIELDS)) return;
		if (activateShortcut(key) || handleKey(key, target)) event.preventDefault();
	});
};
