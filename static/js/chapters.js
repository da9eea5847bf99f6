/** Chapters of the player: the one that plays is marked in their list and named below its bar, which seeks. */

import { query, queryAll, setText } from "./dom.js";
import { findPlayer, formatClock } from "./player.js";

/** @param {number} seconds */
const chapterAt = (seconds) =>
	queryAll("[data-chapter]").findLast((link) => Number(link.dataset.chapter) <= seconds);

/** @returns {HTMLInputElement | null} */
const findBar = () => query("[data-chapter-bar]");

/**
 * Name the chapter of a time.
 *
 * @param {number} seconds
 */
const nameChapter = (seconds) => {
	const title =
		query("[dir]", chapterAt(seconds) ?? document.createElement("a"))?.textContent ?? "";
	setText("[data-chapter-title]", title);
	setText("[data-chapter-time]", formatClock(seconds));
	return title;
};

/** @param {number} [seconds] where the player is, or is about to be */
export const showChapter = (seconds = findPlayer()?.currentTime ?? 0) => {
	const bar = findBar();
	const current = chapterAt(seconds);
	if (current && !current.ariaCurrent) {
		query("[data-chapter][aria-current]")?.removeAttribute("aria-current");
		current.setAttribute("aria-current", "true");
	}
	if (!bar) return;
	const { duration = Number.NaN } = findPlayer() ?? {};
	// What the file says counts more than what the site said.
	if (duration > 0) {
		bar.max = `${Math.floor(duration)}`;
		query("[data-chapter-scale]")?.setAttribute("viewBox", `0 0 ${duration} 1`);
	}
	bar.value = `${seconds}`;
	query("[data-chapter-played]")?.setAttribute("width", `${seconds}`);
	const title = nameChapter(seconds);
	bar.ariaValueText = [formatClock(seconds), title].filter(Boolean).join(", ");
};

addEventListener("timeupdate", () => findBar()?.matches(":hover") || showChapter(), true);
addEventListener("seeking", () => showChapter(), true);
addEventListener("input", ({ target }) => {
	const video = findPlayer();
	if (video && target === findBar()) video.currentTime = Number(findBar()?.value);
});
addEventListener("pointermove", ({ target, clientX }) => {
	const bar = findBar();
	const box = query("[data-chapter-scale]")?.getBoundingClientRect();
	if (bar && box && target === bar)
		nameChapter((Math.max(0, clientX - box.left) / box.width) * Number(bar.max));
});
