/**
 * DOM queries and text updates.
 *
 * Templates own the markup: a module finds its `data-*` hooks and sets text and attributes. It never
 * builds HTML from data, so no title or error text can become markup.
 */

/**
 * Find the first element that matches.
 *
 * @template {HTMLElement} [E=HTMLElement]
 * @param {string} selector
 * @param {ParentNode} [root]
 * @returns {E | null}
 */
export const query = (selector, root = document) => root.querySelector(selector);

/**
 * Find all elements that match, in document order.
 *
 * @template {HTMLElement} [E=HTMLElement]
 * @param {string} selector
 * @param {ParentNode} [root]
 * @returns {E[]}
 */
export const queryAll = (selector, root = document) => Array.from(root.querySelectorAll(selector));

/**
 * Find all elements that match and that a style sheet does not hide.
 *
 * @template {HTMLElement} [E=HTMLElement]
 * @param {string} selector
 * @returns {E[]}
 */
export const queryVisible = (selector) =>
	/** @type {E[]} */ (queryAll(selector)).filter((element) => element.checkVisibility());

/**
 * Set the text of the first element that matches, if there is one.
 *
 * @param {string} selector
 * @param {string} text
 * @param {ParentNode} [root]
 */
export const setText = (selector, text, root) => {
	const element = query(selector, root);
	if (!element) return;
	// The text node stays the same, so an update adds and removes no node.
	const node = element.firstChild ?? element.appendChild(new Text());
	if (node.nodeValue !== text) node.nodeValue = text;
};

/**
 * Move the focus to `element`, or else to the page's heading, if the focused element is gone or hidden.
 *
 * Without it a keyboard user would start again at the top of the page after every swap.
 *
 * @param {HTMLElement} [element]
 */
export const restoreFocus = (element) => {
	const { activeElement, body } = document;
	if (activeElement !== body && activeElement?.checkVisibility()) return;
	const target = element ?? query("h1[tabindex], h2[tabindex]");
	target?.focus({ preventScroll: true });
};
