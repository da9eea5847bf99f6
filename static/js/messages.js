/** Messages over the page: dismissed, or gone when they have faded; of requests that failed, until the server is back. */

import { query } from "./dom.js";

const FAILURE_SHOWN_MS = 10_000;
const CONNECTED_STATES = ["live", "polling"];

const { dataset } = document.documentElement;

const forgetFailure = () => {
	delete dataset.sent;
};

/** Search what is in the field, if the list shows something else. */
const catchUpSearch = () => {
	/** @type {HTMLInputElement | null} */
	const field = query("#search[hx-get] #q");
	const shown = new URLSearchParams(location.search).get("q") ?? "";
	const typed = field?.value.trim().replace(/\s+/g, " ") ?? shown;
	if (typed !== shown) field?.form?.requestSubmit();
};

/** @param {string | null} oldState */
const handleState = (oldState) => {
	const { connection = "" } = dataset;
	if (connection === oldState || !CONNECTED_STATES.includes(connection)) return;
	forgetFailure();
	catchUpSearch();
};

export const listenForReturn = () => {
	addEventListener("htmx:afterRequest", (event) => {
		const { detail } = /** @type {CustomEvent<{ xhr: XMLHttpRequest }>} */ (event);
		// The style sheet shows a request that failed.
		dataset.sent = `${detail.xhr.status}`;
		setTimeout(() => {
			// While the connection is away, the message says why nothing happens.
			if (["live", "off"].includes(`${dataset.connection}`)) forgetFailure();
		}, FAILURE_SHOWN_MS);
	});
	new MutationObserver(([record]) => handleState(record?.oldValue ?? null)).observe(
		document.documentElement,
		{ attributeFilter: ["data-connection"], attributeOldValue: true },
	);
};

export const listenToMessages = () => {
	addEventListener("click", ({ target }) => {
		const button = /** @type {Element | null} */ (target)?.closest("[data-dismiss]");
		const message = button?.parentElement;
		// The page has the message of a failed request for good, and its style sheet shows it.
		if (message?.matches(".unsent")) delete dataset.sent;
		else message?.remove();
	});
	addEventListener("animationend", ({ animationName, target }) => {
		if (animationName === "leave") /** @type {Element} */ (target).remove();
	});
};
