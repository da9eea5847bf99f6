/** Finds elements and writes their text. */

/** @type {Find} */
export const find = (selector, root = document) => root.querySelector(selector);

/** @type {FindAll} */
export const all = (selector, root = document) => Array.from(root.querySelectorAll(selector));

export const write = (selector, words, root) => {
	const found = find(selector, root);
	if (found && found.textContent !== words) found.textContent = words;
};
