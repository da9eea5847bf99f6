/** Choice of the theme without a reload. Loaded when one is chosen. */

import { queryAll } from "./dom.js";

const { documentElement: root } = document;

/** @param {string} theme */
const showTheme = (theme) => {
	if (theme === "system") delete root.dataset.theme;
	else root.dataset.theme = theme;
	for (const button of /** @type {HTMLButtonElement[]} */ (queryAll("[data-theme-form] button"))) {
		button.ariaPressed = `${button.value === theme}`;
	}
};

/**
 * @param {HTMLFormElement} form
 * @param {HTMLElement} button of the theme
 */
export const chooseTheme = async (form, button) => {
	const before = root.dataset.theme ?? "system";
	showTheme(/** @type {HTMLButtonElement} */ (button).value);
	const body = new URLSearchParams(/** @type {any} */ (new FormData(form, button)));
	try {
		const response = await fetch(form.action, { method: "POST", body, redirect: "manual" });
		if (response.type !== "opaqueredirect") throw new Error(response.statusText);
	} catch {
		showTheme(before);
	}
};
