/** Sheet that adds videos: opened by its button, a key, or links that are pasted or dropped anywhere. */

import { query } from "./dom.js";
import { isTextField } from "./shortcuts.js";

const LINK = /https?:\/\/|www\./i;
const LINK_TYPES = ["text/uri-list", "text/plain"];

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

/** @param {DataTransfer} data */
const readLinks = (data) => {
	const uris = data.getData("text/uri-list").split(/\r?\n/);
	const links = uris.filter((line) => !line.startsWith("#")).join("\n");
	return links || data.getData("text/plain");
};

const listenForPastes = () => {
	addEventListener("paste", (event) => {
		const text = event.clipboardData?.getData("text/plain") ?? "";
		if (!isTextField(event.target) && addLinks(text)) event.preventDefault();
	});
};

const listenForDrops = () => {
	// A card that is dragged within the page is no new link.
	let isOwnDrag = false;
	addEventListener("dragstart", () => {
		isOwnDrag = true;
	});
	addEventListener("dragend", () => {
		isOwnDrag = false;
	});
	addEventListener("dragover", (event) => {
		const hasLinks = LINK_TYPES.some((type) => event.dataTransfer?.types.includes(type));
		if (hasLinks && !isOwnDrag && !isTextField(event.target) && findField()) event.preventDefault();
	});
	addEventListener("drop", (event) => {
		if (isOwnDrag || isTextField(event.target) || !event.dataTransfer) return;
		if (addLinks(readLinks(event.dataTransfer))) event.preventDefault();
	});
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
	listenForDrops();
	// Filled in by the page's address, or open in the page without scripts.
	if (findField()?.value || query("#sheet[open]")) loadForm();
};
