/** Keys, where nobody writes. */

import { query } from "./dom.js";

export const onKey = (press) => {
	addEventListener("keydown", (event) => {
		const { key, target, ctrlKey, altKey, metaKey } = event;
		if (!target || ctrlKey || altKey || metaKey || query("dialog[open]")) return;
		if (key === "Escape") setTimeout(() => target.blur());
		if (target.closest("input:not([type=checkbox]), textarea, select")) return;
		const named = query(`[aria-keyshortcuts="${CSS.escape(key)}"]`);
		named?.focus();
		if (named?.matches("a")) named.click();
		if (named || press(event)) event.preventDefault();
	});
};
