/** Keys of the player, as on other video sites. Loaded when the first one is pressed. */

import { openNeighbour } from "./autoplay.js";
import { play } from "./player.js";
import { changeSpeed, toggleSubtitles } from "./player_choices.js";

/** @typedef {(video: HTMLVideoElement) => void} PlayerAction */

/** @type {PlayerAction} */
const togglePlayback = (video) => {
	if (video.paused) play(video);
	else video.pause();
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
	["<", () => changeSpeed(-1)],
	[">", () => changeSpeed(1)],
	["N", () => openNeighbour("next")],
	["P", () => openNeighbour("prev")],
]);

/**
 * @param {string} key
 * @param {HTMLVideoElement} video
 */
export const handlePlayerKey = (key, video) => {
	const action = /^\d$/.test(key) ? seekToTenth(Number(key)) : ACTIONS.get(key);
	action?.(video);
};
