/**
 * Position of playback: resumed where one stopped, and kept while one watches.
 *
 * It is posted to the server for whoever is signed in, and else kept in `localStorage`.
 */

import { query, setText } from "./dom.js";
import { findPlayer, formatClock, play } from "./player.js";
import { storage } from "./storage.js";

const SAVE_INTERVAL_MS = 10_000;
// A save for less would write what the server knows already.
const MIN_CHANGE_SECONDS = 1;
const NOTE_SECONDS = 10;
// Kept in `localStorage` only where it is worth it, and not for whoever stopped close to the end.
const MIN_DURATION_SECONDS = 60;
const END_SECONDS = 10;

/**
 * @typedef {object} Store
 * @property {() => number} read the second to resume at; 0: the start
 * @property {(seconds: number, duration: number, isLeaving: boolean) => Promise<boolean>} save
 *   false: it is to be tried again
 */

/**
 * @param {HTMLFormElement} form
 * @returns {Store}
 */
const createServerStore = (form) => ({
	read: () => Number(form.dataset.position),
	async save(seconds, duration, isLeaving) {
		const body = new FormData(form);
		body.set("position", `${seconds}`);
		if (Number.isFinite(duration)) body.set("duration", `${duration}`);
		if (isLeaving) return navigator.sendBeacon(form.action, body);
		try {
			const response = await fetch(form.action, { method: "POST", body, keepalive: true });
			// A refusal would be repeated: only a server that is in trouble is asked again.
			return response.status < 500;
		} catch {
			return false;
		}
	},
});

/**
 * @param {string} videoId
 * @returns {Store}
 */
const createBrowserStore = (videoId) => {
	const key = `at ${videoId}`;
	return {
		read: () => Number(storage[key]) || 0,
		async save(seconds, duration) {
			// NaN while the duration is unknown.
			if (!(duration >= MIN_DURATION_SECONDS)) return true;
			storage[key] = seconds > duration - END_SECONDS ? 0 : seconds;
			return true;
		},
	};
};

export const keepPosition = () => {
	/** @type {HTMLFormElement | null} */
	const form = query("form[data-position]");
	const note = /** @type {HTMLElement} */ (query("[data-resumed]"));
	/** @type {Store | undefined} */
	let store;
	let seconds = 0;
	let savedSeconds = 0;
	let resumedSeconds = 0;
	let isSaving = false;

	/** @param {HTMLVideoElement} video */
	const resume = (video) => {
		const isFirst = !store;
		store ??= form ? createServerStore(form) : createBrowserStore(`${video.dataset.resume}`);
		// An address with a time of its own comes first.
		const isTimed = video.src.includes("#") || /[#&]t=/.test(location.hash);
		if (isFirst) seconds = isTimed ? 0 : store.read();
		if (!seconds || video.duration <= seconds) return;
		video.currentTime = seconds;
		if (!isFirst) return;
		savedSeconds = resumedSeconds = seconds;
		setText("[data-resumed-at]", formatClock(seconds));
		note.hidden = false;
	};

	/** @param {HTMLVideoElement} video */
	const follow = ({ currentTime, readyState }) => {
		// A player that was just put in has not resumed yet.
		if (!store || !readyState) return;
		seconds = currentTime;
		if (Math.abs(seconds - resumedSeconds) > NOTE_SECONDS) note.hidden = true;
	};

	/** @param {boolean} [isLeaving] */
	const save = async (isLeaving = false) => {
		const video = findPlayer();
		if (video) follow(video);
		const isNews = Math.abs(seconds - savedSeconds) >= MIN_CHANGE_SECONDS;
		if (!store || !video || !isNews || (isSaving && !isLeaving)) return;
		const sentSeconds = seconds;
		isSaving = true;
		if (await store.save(sentSeconds, video.duration, isLeaving)) savedSeconds = sentSeconds;
		isSaving = false;
	};

	const startOver = () => {
		const video = findPlayer();
		note.hidden = true;
		if (!video) return;
		video.currentTime = 0;
		play(video);
	};

	/** @type {Record<string, (video: HTMLVideoElement) => void>} */
	const handlers = {
		loadedmetadata: resume,
		timeupdate: follow,
		pause: () => save(),
		seeked: () => save(),
	};
	/** @param {{ type: string }} event */
	const handle = ({ type }) => {
		const video = findPlayer();
		if (video) handlers[type]?.(video);
	};
	// Media events do not bubble, hence capture.
	for (const name of Object.keys(handlers)) addEventListener(name, handle, true);
	setInterval(save, SAVE_INTERVAL_MS);
	// A phone may never come back to a tab that it hid.
	addEventListener("visibilitychange", () => document.hidden && save(true), true);
	addEventListener("pagehide", () => save(true));
	query("[data-start-over]")?.addEventListener("click", startOver);
	if (findPlayer()?.readyState) handle({ type: "loadedmetadata" });
};
