/** What is each browser's own: times in its zone, and, loaded when they are used, the theme and passwords to show. */

import { query, queryAll } from "./dom.js";

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

/** @param {SubmitEvent} event */
const handleSubmit = (event) => {
	const form = /** @type {HTMLFormElement} */ (event.target);
	const { submitter } = event;
	if (!form.matches("[data-theme-form]") || !submitter) return;
	event.preventDefault();
	import("./theme.js").then(({ chooseTheme }) => chooseTheme(form, submitter));
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

export const personalizePage = () => {
	addEventListener("submit", handleSubmit);
	if (query(".reveal")) import("./passwords.js");
	localizeTimes(document);
	new MutationObserver((changes) => {
		if (changes.some(({ addedNodes }) => addedNodes.length)) localizeTimes(document);
	}).observe(/** @type {Node} */ (query("main")), { childList: true, subtree: true });
};
