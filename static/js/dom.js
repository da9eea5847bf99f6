/** Finds elements, writes text. */

/** @type {Find} */
export const find = (selector, root = document) => root.querySelector(selector);

/** @type {FindAll} */
export const all = (selector, root = document) => Array.from(root.querySelectorAll(selector));

export const visible = (selector) => all(selector).filter((each) => each.checkVisibility());

/** Focus that is lost goes here, or to the heading. */
export const land = (element) => {
	const { activeElement: active, body } = document;
	if (active !== body && active?.checkVisibility()) return;
	(element ?? find("h1[tabindex], h2[tabindex]"))?.focus({ preventScroll: true });
};

export const write = (selector, words, root) => {
	const found = find(selector, root);
	// No node comes or goes.
	const text = found?.firstChild ?? found?.appendChild(new Text());
	if (text && text.nodeValue !== words) text.nodeValue = words;
};
