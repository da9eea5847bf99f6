/** Keyboard shortcuts of the player, as on other video sites. */

import { query } from "./dom.js";

/** @typedef {(video: HTMLVideoElement) => void} PlayerAction */

const CONTROLS = "a, button, input, summary, video, audio";
const CONTROL_KEYS = /^( |Arrow.*)$/;

/** @type {PlayerAction} */
const togglePlayback = (video) => {
	if (!video.paused) video.pause();
	// The player shows why it does not play.
	else video.play().catch(() => {});
};

/** @type {PlayerAction} */
const toggleFullscreen = (video) => {
	if (document.fullscreenElement) document.exitFullscreen();
	else video.requestFullscreen().catch(() => {});
};

/** @type {PlayerAction} */
const toggleSound = (video) => {
	video.muted = !video.muted;
};

/**
 * Choose by the browser's languages, then by the order that was asked for.
 *
 * @param {TextTrack[]} tracks
 */
const preferredTrack = (tracks) => {
	const base = (/** @type {string} */ code) => code.toLowerCase().split("-")[0];
	for (const language of navigator.languages) {
		const same = tracks.find((track) => track.language.toLowerCase() === language.toLowerCase());
		const related = tracks.find((track) => base(track.language) === base(language));
		if (same || related) return same ?? related;
	}
	return tracks[0];
};

/** @type {PlayerAction} */
const toggleSubtitles = (video) => {
	const tracks = [...video.textTracks];
	const showing = tracks.filter(({ mode }) => mode === "showing");
	if (showing.length) for (const track of showing) track.mode = "hidden";
	else {
		const track = preferredTrack(tracks);
		if (track) track.mode = "showing";
	}
};

/** @type {PlayerAction} */
const togglePicture = (video) => {
	if (document.pictureInPictureElement) document.exitPictureInPicture();
	else video.requestPictureInPicture?.().catch(() => {});
};

const toggleTheatre = () => {
	query("main")?.toggleAttribute("data-theatre");
};

/** @type {(rel: string) => PlayerAction} */
const goTo = (rel) => () => {
	import("./autoplay.js").then(({ openNeighbour }) => openNeighbour(rel));
};

const SPEEDS = [0.25, 0.5, 0.75, 1, 1.25, 1.5, 1.75, 2, 3];

/** @type {(step: number) => PlayerAction} */
const changeSpeed = (step) => (video) => {
	const { playbackRate } = video;
	const speeds = step > 0 ? SPEEDS : SPEEDS.toReversed();
	const next = speeds.find((speed) => (speed - playbackRate) * step > 0);
	if (next) video.playbackRate = next;
};

/** @type {(tenth: number) => PlayerAction} */
const seekToTenth = (tenth) => (video) => {
	// NaN while the duration is unknown.
	if (video.duration > 0) video.currentTime = (video.duration * tenth) / 10;
};

/** @type {(seconds: number) => PlayerAction} */
const seekBy = (seconds) => (video) => {
	video.currentTime += seconds;
};

/** @type {ReadonlyMap<string, PlayerAction>} */
const ACTIONS = new Map([
	["j", seekBy(-10)],
	["l", seekBy(10)],
	["ArrowLeft", seekBy(-5)],
	["ArrowRight", seekBy(5)],
	["k", togglePlayback],
	[" ", togglePlayback],
	["f", toggleFullscreen],
	["m", toggleSound],
	["c", toggleSubtitles],
	["t", toggleTheatre],
	["i", togglePicture],
	["<", changeSpeed(-1)],
	[">", changeSpeed(1)],
	["N", goTo("next")],
	["P", goTo("prev")],
]);

/**
 * @param {string} key
 * @param {HTMLElement} target
 * @param {HTMLVideoElement} video
 * @returns {boolean} whether it used the key
 */
export const handlePlayerKey = (key, target, video) => {
	// On a control, these keys are the browser's.
	if (CONTROL_KEYS.test(key) && target.closest(CONTROLS)) return false;
	const action = /^[0-9]$/.test(key) ? seekToTenth(Number(key)) : ACTIONS.get(key);
	action?.(video);
	return action !== undefined;
};
