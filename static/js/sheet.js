/** Sheet that adds videos: opened by its button, a key, or links that are pasted or dropped anywhere. */

import { query, setText } from "./dom.js";
import { isTextField } from "./shortcuts.js";

const LINK = /https?:\/\/|www\./i;
const LINK_TYPES = ["text/uri-list", "text/plain"];

/** @returns {HTMLDialogElement | null} null: the form is in the page, or this visitor may not add videos */
const findSheet = () => query("#sheet");

/** @returns {HTMLTextAreaElement | null} */
const findField = () => query("#id_urls");

const showLinkCount = () => {
	const lines = findField()?.value.split("\n") ?? [];
	const count = lines.filter((line) => line.trim()).length;
	const text = count === 1 ? "1 link" : `${count} links`;
	setText("[data-link-count]", count ? text : "");
};

/** Messages can only be read and used within the dialog while it is modal. */
const moveMessages = () => {
	const messages = query(".messages");
	const place = query("#sheet:modal") ?? query("#main");
	if (messages) place?.prepend(messages);
};

/** @returns {boolean} whether there is a form */
const openSheet = () => {
	const sheet = findSheet();
	// In an empty archive it is a part of the page, until there is something to see.
	if (sheet?.open && !sheet.checkVisibility()) sheet.close();
	if (sheet && !sheet.open) {
		sheet.showModal();
		moveMessages();
	}
	findField()?.focus();
	return findField() !== null;
};

/** @param {string} text */
const addLinks = (text) => {
	const field = findField();
	if (!field || query("dialog:modal:not(#sheet)") || !LINK.test(text)) return false;
	field.value = [field.value.trimEnd(), text.trim()].filter(Boolean).join("\n");
	showLinkCount();
	return openSheet();
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

/** @param {KeyboardEvent} event */
const submitOnEnter = (event) => {
	const field = findField();
	if (event.target !== field || event.key !== "Enter" || event.shiftKey || event.isComposing)
		return;
	event.preventDefault();
	// Disabled while a request runs.
	if (!query(".add .submit:disabled")) field?.form?.requestSubmit();
};

/** @param {Event} event */
const handleSettle = (event) => {
	const { detail, target } = /** @type {CustomEvent<{ requestConfig?: { verb: string } }>} */ (
		event
	);
	if (/** @type {Element} */ (target).id !== "add") return;
	showLinkCount();
	if (detail.requestConfig?.verb === "post" && !query(".refusals")) findSheet()?.close();
};

export const listenToSheet = () => {
	const sheet = findSheet();
	addEventListener("click", (event) => {
		const target = /** @type {Element | null} */ (event.target);
		const hasModifier = event.ctrlKey || event.metaKey || event.shiftKey;
		if (target?.closest(".add-button") && !hasModifier && openSheet()) event.preventDefault();
	});
	addEventListener("input", ({ target }) => {
		if (target === findField()) showLinkCount();
	});
	addEventListener("keydown", submitOnEnter);
	addEventListener("htmx:afterSettle", handleSettle);
	sheet?.addEventListener("close", moveMessages);
	listenForPastes();
	listenForDrops();
	showLinkCount();
	if (sheet?.open && !sheet.matches(".welcome")) {
		// Filled in by the page's address: without scripts, it is a part of the page.
		sheet.close();
		openSheet();
	}
};
