/** DOM queries and text. Templates own the markup: no module builds HTML from data. */

/**
 * @template {HTMLElement} [E=HTMLElement]
 * @param {string} selector
 * @param {ParentNode} [root]
 * @returns {E | null}
 */
export const query = (selector, root = document) => root.querySelector(selector);

/**
 * @template {HTMLElement} [E=HTMLElement]
 * @param {string} selector
 * @param {ParentNode} [root]
 * @returns {E[]}
 */
export const queryAll = (selector, root = document) => Array.from(root.querySelectorAll(selector));

/**
 * @template {HTMLElement} [E=HTMLElement]
 * @param {string} selector
 * @returns {E[]}
 */
export const queryVisible = (selector) =>
	/** @type {E[]} */ (queryAll(selector)).filter((element) => element.checkVisibility());

/**
 * Set the text of the first element that matches, if any.
 *
 * @param {string} selector
 * @param {string} text
 * @param {ParentNode} [root]
 */
export const setText = (selector, text, root) => {
	const element = query(selector, root);
	if (!element) return;
	// An update adds and removes no node.
	const node = element.firstChild ?? element.appendChild(new Text());
	if (node.nodeValue !== text) node.nodeValue = text;
};

/**
 * Focus `element`, or else the heading, if the focused element is gone or hidden.
 *
 * @param {HTMLElement | null} [element]
 */
export const restoreFocus = (element) => {
	const { activeElement, body } = document;
	if (activeElement !== body && activeElement?.checkVisibility()) return;
	const target = element ?? query("h1[tabindex], h2[tabindex]");
	target?.focus({ preventScroll: true });
};
