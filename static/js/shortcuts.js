/**
 * Keyboard shortcuts, while the visitor does not write.
 *
 * The templates name them: a key focuses the element whose `aria-keyshortcuts` it is, and follows it
 * if it is a link.
 */

import { query } from "./dom.js";

// A check box takes no text.
const TEXT_FIELDS = "input:not([type=checkbox]), textarea, select";

/**
 * Focus the element that the templates give this key, and follow it if it is a link.
 *
 * @param {string} key
 * @returns {boolean} whether there is one
 */
const activateShortcut = (key) => {
	const element = query(`[aria-keyshortcuts="${CSS.escape(key)}"]`);
	if (!element) return false;
	element.focus();
	if (element.matches("a")) element.click();
	return true;
};

/**
 * Listen for keys.
 *
 * @param {(key: string, target: HTMLElement) => boolean} handleKey the page's own keys: returns whether
 *   it used one, which then does nothing else
 */
export const listenForKeys = (handleKey) => {
	addEventListener("keydown", (event) => {
		const { key, ctrlKey, altKey, metaKey } = event;
		const target = /** @type {HTMLElement | null} */ (event.target);
		const hasModifier = ctrlKey || altKey || metaKey;
		if (!target || hasModifier || query("dialog[open]")) return;
		// Later: a search field first clears itself.
		if (key === "Escape") setTimeout(() => target.blur());
		if (target.closest(TEXT_FIELDS)) return;
		if (activateShortcut(key) || handleKey(key, target)) event.preventDefault();
	});
};
