/** Links to a time in the video of the page: they seek in place, and playback goes on. Loaded when one is followed. */

import { findPlayer, play } from "./player.js";

const TIME = /^(?:(\d+)(?:h|:(?=\d+:)))?(?:(\d+)(?:m|:(?=\d)))?(?:(\d+)s?)?$/;

/**
 * Read "83", "83s", "1:02:03" or "1h2m3s".
 *
 * @param {string | null} text
 * @returns {number | null} seconds
 */
export const parseTime = (text) => {
	const match = text && TIME.exec(text);
	if (!match) return null;
	const [, hours = "0", minutes = "0", seconds = "0"] = match;
	return Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds);
};

/** @param {URL | Location} url */
const readTime = ({ hash, search }) => {
	const [inHash, inQuery] = [hash.slice(1), search].map((text) =>
		new URLSearchParams(text).get("t"),
	);
	return parseTime(inHash ?? null) ?? parseTime(inQuery ?? null);
};

/** @param {number} seconds */
const seek = (seconds) => {
	const video = findPlayer();
	// NaN while the duration is unknown.
	if (video) video.currentTime = video.duration < seconds ? video.duration : seconds;
	return video;
};

/**
 * Go to the time in the page's own address, if it has one after the "#".
 *
 * @param {Location} address
 */
export const seekTo = (address) => {
	const seconds = readTime(address);
	if (address.hash && seconds !== null) seek(seconds);
};

/** @param {HTMLAnchorElement} link */
export const followLink = (link) => {
	const url = new URL(link.href);
	const seconds = readTime(url);
	if (seconds === null) {
		location.assign(url);
		return;
	}
	const video = seek(seconds);
	play(video);
	video?.scrollIntoView({ block: "nearest" });
	const query = new URLSearchParams(location.search);
	query.set("t", `${seconds}`);
	history.replaceState(history.state, "", `?${query}`);
};
