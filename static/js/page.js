/** Finds elements and writes their text. */

/** @param {string} selector @param {ParentNode} root */
export const find = (selector, root = document) => /** @type {HTMLElement | null} */ (root.querySelector(selector));

/** @param {string} selector @param {ParentNode} root */
export const all = (selector, root = document) => /** @type {HTMLElement[]} */ ([...root.querySelectorAll(selector)]);

/** @param {string} selector @param {string} words @param {ParentNode} root */
export function write(selector, words, root = document) {
	const found = find(selector, root);
	if (found && found.textContent !== words) found.textContent = words;
}
