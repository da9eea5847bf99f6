/** Sheet that adds videos: opened by its button, a key, or links that are pasted or dropped anywhere. */

import { query } from "./dom.js";
import { isTextField } from "./shortcuts.js";

const LINK = /https?:\/\/|www\./i;

/** @returns {HTMLTextAreaElement | null} null: this visitor may not add videos */
const findField = () => query("#id_urls");

/** What the sheet can do once it is in use. */
const loadForm = () => import("./sheet_form.js");

/**
 * @param {string} text
 * @returns {boolean} whether these are links, and there is a form for them
 */
const addLinks = (text) => {
	if (!findField() || query("dialog:modal:not(#sheet)") || !LINK.test(text)) return false;
	loadForm().then((form) => form.addLinks(text));
	return true;
};

const listenForPastes = () => {
	addEventListener("paste", (event) => {
		const text = event.clipboardData?.getData("text/plain") ?? "";
		if (!isTextField(event.target) && addLinks(text)) event.preventDefault();
	});
};

const DRAG_EVENTS = ["dragstart", "dragenter"];

/** @param {Event} event */
const loadDrops = async ({ type }) => {
	for (const name of DRAG_EVENTS) removeEventListener(name, loadDrops);
	const { listenForDrops } = await import("./sheet_drops.js");
	listenForDrops(type === "dragstart", () => findField() !== null, addLinks);
};

export const listenToSheet = () => {
	addEventListener("click", (event) => {
		const target = /** @type {Element | null} */ (event.target);
		const hasModifier = event.ctrlKey || event.metaKey || event.shiftKey;
		if (!target?.closest(".add-button") || hasModifier || !findField()) return;
		event.preventDefault();
		loadForm().then((form) => form.openSheet());
	});
	addEventListener("focusin", ({ target }) => target === findField() && loadForm());
	listenForPastes();
	for (const name of DRAG_EVENTS) addEventListener(name, loadDrops);
	// Filled in by the page's address, or open in the page without scripts.
	if (findField()?.value || query("#sheet[open]")) loadForm();
};
