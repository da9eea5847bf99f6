/** The player of the page, which live updates may replace. */

import { query } from "./dom.js";

/** @returns {HTMLVideoElement | null} */
export const findPlayer = () => query("[data-resume]");

/** @param {HTMLVideoElement | null} video */
export const play = (video) => {
	// The player shows why it does not play.
	video?.play().catch(() => {});
};

/**
 * Format as "4:07", "1:04:07".
 *
 * @param {number} seconds
 */
export const formatClock = (seconds) => {
	const parts = [
		Math.floor(seconds / 3600),
		Math.floor(seconds / 60) % 60,
		Math.floor(seconds) % 60,
	];
	if (!parts[0]) parts.shift();
	return parts.map((part, index) => (index ? `${part}`.padStart(2, "0") : part)).join(":");
};
