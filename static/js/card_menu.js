/** The menu of a card: popovers of the templates, with their keys, "Copy link" and "Select". */

import { query, queryAll, setText } from "./dom.js";

const OPEN_MENU = ".card-menu:popover-open";

/**
 * Open the menu of the card that holds `element`.
 *
 * @param {Element} element
 * @returns {boolean} whether there is one
 */
export const openMenu = (element) => {
	/** @type {HTMLButtonElement | null | undefined} */
	const button = element.closest("li")?.querySelector("[popovertarget]");
	button?.click();
	query(`${OPEN_MENU} > *`)?.focus();
	return button !== undefined && button !== null;
};

/**
 * @param {string} key
 * @returns {boolean} whether a menu is open, which then has all keys
 */
export const moveMenuFocus = (key) => {
	const items = queryAll(`${OPEN_MENU} > *`).filter((item) => item.checkVisibility());
	const step = { ArrowDown: 1, ArrowUp: -1 }[key];
	if (!items.length || !step) return items.length > 0;
	const position = items.findIndex((item) => item.matches(":focus"));
	items.at((position + step) % items.length)?.focus();
	return true;
};

/** @param {Element} card */
const copyLink = async (card) => {
	/** @type {HTMLAnchorElement | null} */
	const link = query("[data-title]", card);
	if (!link) return;
	const { copyText } = await import("./clipboard.js");
	const isCopied = await copyText(link.href);
	setText("[data-announce]", isCopied ? "Link copied." : "The link could not be copied.");
};

/** @param {Element} card */
const toggleSelection = (card) => /** @type {HTMLElement | null} */ (query(".pick", card))?.click();

addEventListener("click", ({ target }) => {
	const item = /** @type {Element | null} */ (target)?.closest(".card-menu > *");
	const card = item?.closest("li");
	if (!item || !card) return;
	// Only when the form has been submitted: htmx forgets the button that loses the focus.
	setTimeout(() => query(OPEN_MENU)?.hidePopover());
	if (item.matches("[data-copy-link]")) copyLink(card);
	if (item.matches("[data-select]")) toggleSelection(card);
});
