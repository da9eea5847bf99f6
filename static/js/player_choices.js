/** Choices of speed and subtitles, by the bar and by keys. Loaded when one is made. */

import { findPlayer } from "./player.js";
import {
	findTrack,
	listTracks,
	OFF,
	preferredTrack,
	setSpeed,
	showTrack,
	speedField,
} from "./player_settings.js";

/** @param {string} language "off": none */
export const chooseSubtitles = (language) => {
	showTrack(language === OFF ? undefined : findTrack(language));
};

export const toggleSubtitles = () => {
	const isShown = listTracks().some(({ mode }) => mode === "showing");
	showTrack(isShown ? undefined : preferredTrack());
};

/**
 * Set the next speed of the bar.
 *
 * @param {number} step 1: faster, -1: slower
 */
export const changeSpeed = (step) => {
	const { playbackRate = 1 } = findPlayer() ?? {};
	const speeds = [...(speedField()?.options ?? [])].map(({ value }) => Number(value));
	if (step < 0) speeds.reverse();
	setSpeed(speeds.find((speed) => (speed - playbackRate) * step > 0) ?? playbackRate);
};
