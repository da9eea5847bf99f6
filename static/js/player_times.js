/** Links to a time in the video of the page: they seek in place, and playback goes on. */

import { query, queryAll } from "./dom.js";

const TIME_PATTERN = /^(?:(\d+):)??(?:(\d+):)?(\d+)s?$/;

/**
 * Read "83", "83s" or "1:02:03".
 *
 * @param {string | null} text
 * @returns {number | null} seconds
 */
const parseTime = (text) => {
	const match = TIME_PATTERN.exec(text ?? "");
	if (!match) return null;
	const [, hours = "0", minutes = "0", seconds] = match;
	return Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds);
};

/** @param {URL} url */
const readTime = ({ hash, searchParams }) =>
	parseTime(new URLSearchParams(hash.slice(1)).get("t")) ?? parseTime(searchParams.get("t"));

/**
 * @param {HTMLVideoElement} video
 * @param {number} seconds
 */
const seek = (video, seconds) => {
	const { duration } = video;
	// NaN while the duration is unknown.
	video.currentTime = duration < seconds ? duration : seconds;
	// The player shows why it does not play.
	video.play().catch(() => {});
};

/** @param {() => HTMLVideoElement | null} findPlayer */
export const listenForTimes = (findPlayer) => {
	addEventListener("click", (event) => {
		const { button, ctrlKey, metaKey, shiftKey, altKey } = event;
		/** @type {HTMLAnchorElement | null | undefined} */
		const link = /** @type {Element} */ (event.target).closest?.("a[href]");
		const video = findPlayer();
		if (!link || !video || button || ctrlKey || metaKey || shiftKey || altKey) return;
		const url = new URL(link.href);
		const seconds = readTime(url);
		if (url.origin + url.pathname !== location.origin + location.pathname) return;
		if (seconds === null) return;
		event.preventDefault();
		seek(video, seconds);
		video.scrollIntoView({ block: "nearest" });
		const query = new URLSearchParams(location.search);
		query.set("t", `${seconds}`);
		history.replaceState(history.state, "", `?${query}`);
	});

	addEventListener("hashchange", () => {
		const video = findPlayer();
		const seconds = readTime(new URL(location.href));
		if (video && location.hash && seconds !== null) seek(video, seconds);
	});

	addEventListener(
		"timeupdate",
		() => {
			const currentTime = findPlayer()?.currentTime ?? 0;
			const links = queryAll("[data-chapter]");
			const current = links.findLast((link) => Number(link.dataset.chapter) <= currentTime);
			if (current?.ariaCurrent) return;
			query("[data-chapter][aria-current]")?.removeAttribute("aria-current");
			current?.setAttribute("aria-current", "true");
		},
		true,
	);
};
