/** Autoplay: at the end of a video the next one starts, after a countdown that can be stopped. Loaded when it is used. */

import { query, setText } from "./dom.js";
import { storage } from "./storage.js";

const COUNTDOWN_SECONDS = 5;

let timer = 0;

const cancelCountdown = () => {
	clearInterval(timer);
	const note = query("[data-countdown]");
	if (note) note.hidden = true;
};

/** @param {string} rel "next" or "prev" */
export const openNeighbour = (rel) => {
	/** @type {HTMLAnchorElement | null} */
	const link = query(`main [rel=${rel}]`);
	if (!link) return;
	// Read by video.js there.
	storage["autoplay starts"] = link.href;
	location.assign(link.href);
};

export const startCountdown = () => {
	const note = query("[data-countdown]");
	if (!note || !query("main [rel=next]")) return;
	let seconds = COUNTDOWN_SECONDS;
	const tick = () => {
		setText("[data-countdown-seconds]", `${seconds} s`, note);
		if (!seconds--) openNeighbour("next");
	};
	cancelCountdown();
	note.hidden = false;
	timer = setInterval(tick, 1_000);
	tick();
};

/** @param {boolean} isOn */
export const setAutoplay = (isOn) => {
	storage.autoplay = isOn ? "on" : "off";
	cancelCountdown();
};

addEventListener("click", ({ target }) => {
	if (/** @type {Element} */ (target).closest?.("[data-cancel-countdown]")) cancelCountdown();
});
addEventListener("keydown", ({ key }) => key === "Escape" && cancelCountdown());
for (const name of ["play", "seeking"]) addEventListener(name, cancelCountdown, true);
