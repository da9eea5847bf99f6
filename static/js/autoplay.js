/** Autoplay: at the end of a video the next one starts, after a countdown that can be cancelled. */

import { query, setText } from "./dom.js";

const COUNTDOWN_SECONDS = 5;
const STARTS_KEY = "autoplay starts";

/** @returns {Storage | undefined} undefined where the visitor's settings forbid it */
const openStorage = () => {
	try {
		return localStorage;
	} catch {
		return undefined;
	}
};

const storage = openStorage();
let timer = 0;

/** @returns {HTMLInputElement | null} */
const findSwitch = () => query("[data-autoplay]");

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
	storage?.setItem(STARTS_KEY, link.href);
	location.assign(link.href);
};

const startCountdown = () => {
	const note = query("[data-countdown]");
	if (!note || !findSwitch()?.checked || !query("main [rel=next]")) return;
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

/** @param {() => HTMLVideoElement | null} findPlayer */
export const listenForEnd = (findPlayer) => {
	const showChoice = () => {
		const control = findSwitch();
		if (control) control.checked = storage?.getItem("autoplay") === "on";
	};
	showChoice();
	addEventListener("change", ({ target }) => {
		if (target !== findSwitch()) return;
		storage?.setItem("autoplay", findSwitch()?.checked ? "on" : "off");
		cancelCountdown();
	});
	addEventListener("click", ({ target }) => {
		if (/** @type {Element} */ (target).closest?.("[data-cancel-countdown]")) cancelCountdown();
	});
	addEventListener("keydown", ({ key }) => key === "Escape" && cancelCountdown());
	addEventListener("ended", startCountdown, true);
	for (const name of ["play", "seeking"]) addEventListener(name, cancelCountdown, true);
	if (storage?.getItem(STARTS_KEY) === location.href)
		findPlayer()
			?.play()
			.catch(() => {});
	storage?.removeItem(STARTS_KEY);
};
