/** The form that adds videos, in its sheet or in the page. Loaded when it is used. */

import { query, setText } from "./dom.js";

/** @returns {HTMLDialogElement | null} null: the form is in the page */
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

export const openSheet = () => {
	const sheet = findSheet();
	// In an empty archive it is a part of the page, until there is something to see.
	if (sheet?.open && !sheet.checkVisibility()) sheet.close();
	if (sheet && !sheet.open) {
		sheet.showModal();
		moveMessages();
	}
	findField()?.focus();
};

/** @param {string} text */
export const addLinks = (text) => {
	const field = findField();
	if (!field) return;
	field.value = [field.value.trimEnd(), text.trim()].filter(Boolean).join("\n");
	showLinkCount();
	openSheet();
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

const sheet = findSheet();
addEventListener("input", ({ target }) => {
	if (target === findField()) showLinkCount();
});
addEventListener("keydown", submitOnEnter);
addEventListener("htmx:afterSettle", handleSettle);
sheet?.addEventListener("close", moveMessages);
showLinkCount();
if (sheet?.open && !sheet.matches(".welcome, :modal")) {
	// Filled in by the page's address: without scripts, it is a part of the page.
	sheet.close();
	openSheet();
}
