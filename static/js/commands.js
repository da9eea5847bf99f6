/** Buttons that open dialogs, in browsers that do not do so by themselves. */

import { query } from "./dom.js";

addEventListener("click", ({ target }) => {
	const button = /** @type {Element} */ (target).closest("[commandfor]");
	/** @type {HTMLDialogElement | null} */
	const dialog = button && query(`#${button.getAttribute("commandfor")}`);
	dialog?.showModal();
});
