/** Speed and subtitles of the player, remembered by this browser, in whichever way they are chosen. Loaded when they are. */

import { query } from "./dom.js";
import { findPlayer } from "./player.js";
import { storage } from "./storage.js";

const MIN_SPEED = 0.25;
const MAX_SPEED = 2;
export const OFF = "off";

/** @returns {HTMLSelectElement | null} */
export const speedField = () => query("[data-set=speed]");

/** @returns {HTMLSelectElement | null} */
const subtitlesField = () => query("[data-set=subtitles]");

/**
 * @param {HTMLSelectElement | null} field
 * @param {string} value
 */
const show = (field, value) => {
	const isOffered = [...(field?.options ?? [])].some((option) => option.value === value);
	if (field && isOffered) field.value = value;
};

/** @returns {TextTrack[]} */
export const listTracks = () => [...(findPlayer()?.textTracks ?? [])];

/**
 * Find the track of a language, or else of a variety of it.
 *
 * @param {string} language
 */
export const findTrack = (language) => {
	const base = (/** @type {string} */ code) => code.toLowerCase().split("-")[0];
	const tracks = listTracks();
	const same = tracks.find((track) => track.language.toLowerCase() === language.toLowerCase());
	return same ?? tracks.find((track) => base(track.language) === base(language));
};

/** Find the track in the language that was chosen last, else in one of the browser's, else the one asked for first. */
export const preferredTrack = () => {
	const languages = [`${storage["subtitle language"] ?? ""}`, ...navigator.languages];
	for (const language of languages) {
		const track = findTrack(language);
		if (track) return track;
	}
	return listTracks()[0];
};

/** @param {TextTrack | undefined} chosen none: no subtitles */
export const showTrack = (chosen) => {
	for (const track of listTracks()) {
		if (track === chosen) track.mode = "showing";
		else if (track.mode === "showing") track.mode = "hidden";
	}
};

/** @param {number} speed */
export const setSpeed = (speed) => {
	const video = findPlayer();
	// What is loaded next begins with the default.
	if (video) video.playbackRate = video.defaultPlaybackRate = speed;
};

/** Remember what is set, and show it in the bar. */
export const keepSettings = () => {
	const shown = listTracks().find(({ mode }) => mode === "showing");
	const { playbackRate = 1 } = findPlayer() ?? {};
	show(subtitlesField(), shown?.language ?? OFF);
	if (shown) storage["subtitle language"] = shown.language;
	if (shown || (storage.subtitles && listTracks().length)) storage.subtitles = shown ? "on" : OFF;
	show(speedField(), `${playbackRate}`);
	// The normal speed is as good as none.
	if (playbackRate === 1) delete storage.speed;
	else if (playbackRate >= MIN_SPEED && playbackRate <= MAX_SPEED) storage.speed = playbackRate;
};

/** Give the player what is remembered; it says what has changed. */
export const applySettings = () => {
	if (storage.speed) setSpeed(Number(storage.speed));
	if (storage.subtitles === "on") showTrack(preferredTrack());
};
