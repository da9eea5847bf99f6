/** Passwords that can be shown. Loaded by pages that have a field for one. */

import { queryAll } from "./dom.js";

for (const button of queryAll(".reveal")) {
	const input = /** @type {HTMLInputElement} */ (button.previousElementSibling);
	button.hidden = false;
	button.addEventListener("click", () => {
		const isShown = input.type === "password";
		input.type = isShown ? "text" : "password";
		button.ariaPressed = `${isShown}`;
		/** @type {Text} */ (button.firstChild).data = isShown ? "Hide" : "Show";
	});
	input.form?.addEventListener("submit", () => {
		input.type = "password";
	});
}
