/** What is each browser's own: the theme without a reload, times in the browser's zone, passwords that can be shown. */

import { query, queryAll } from "./dom.js";

const { documentElement: root } = document;
const SHORT = /** @type {const} */ ({
	day: "numeric",
	month: "short",
	hour: "2-digit",
	minute: "2-digit",
});
const LONG = /** @type {const} */ ({
	...SHORT,
	month: "long",
	year: "numeric",
	second: "2-digit",
	timeZoneName: "short",
});

/** @param {string} theme */
const showTheme = (theme) => {
	if (theme === "system") delete root.dataset.theme;
	else root.dataset.theme = theme;
	for (const button of /** @type {HTMLButtonElement[]} */ (queryAll("[data-theme-form] button"))) {
		button.ariaPressed = `${button.value === theme}`;
	}
};

/** @param {SubmitEvent} event */
const chooseTheme = async (event) => {
	const form = /** @type {HTMLFormElement} */ (event.target);
	const { submitter } = event;
	if (!form.matches("[data-theme-form]") || !submitter) return;
	event.preventDefault();
	const before = root.dataset.theme ?? "system";
	showTheme(/** @type {HTMLButtonElement} */ (submitter).value);
	const body = new URLSearchParams(/** @type {any} */ (new FormData(form, submitter)));
	try {
		const response = await fetch(form.action, { method: "POST", body, redirect: "manual" });
		if (response.type !== "opaqueredirect") throw new Error(response.statusText);
	} catch {
		showTheme(before);
	}
};

/**
 * @param {Date} moment
 * @param {Intl.DateTimeFormatOptions} options
 */
const formatTime = (moment, options) =>
	moment.toLocaleString("en-GB", options).replace(" at ", ", ");

/**
 * Write a time in this browser's zone. The server does not know it, and names its own.
 *
 * @param {HTMLTimeElement} time
 */
const localizeTime = (time) => {
	const moment = new Date(time.dateTime);
	if (!time.dateTime.includes("T") || Number.isNaN(moment.valueOf())) return;
	const text = time.textContent ?? "";
	const clock = /\d\d:\d\d(:\d\d)?/.exec(text);
	if (time.title || clock) time.title = formatTime(moment, LONG);
	if (!clock) return;
	const year = /\d{4}, /.test(text) ? "numeric" : undefined;
	const second = clock[1] ? "2-digit" : undefined;
	time.textContent = formatTime(moment, { ...SHORT, year, second });
};

/** @param {ParentNode} part */
const localizeTimes = (part) => {
	for (const time of queryAll("time[datetime]:not([data-local])", part)) {
		time.dataset.local = "";
		localizeTime(/** @type {HTMLTimeElement} */ (time));
	}
};

const offerToShowPasswords = () => {
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
};

export const personalizePage = () => {
	addEventListener("submit", chooseTheme);
	offerToShowPasswords();
	localizeTimes(document);
	new MutationObserver((changes) => {
		if (changes.some(({ addedNodes }) => addedNodes.length)) localizeTimes(document);
	}).observe(/** @type {Node} */ (query("main")), { childList: true, subtree: true });
};
