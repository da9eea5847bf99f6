/**
 * Numbers as text, in the words that the server's templates use. Pure.
 *
 * The tests of both sides read one table of examples: a page that goes live must not rewrite a number
 * in another way.
 */

/** @import { VideoState } from "./store.js" */

const SIZE_UNITS = ["B", "kB", "MB", "GB", "TB"];
const SEPARATOR = " · ";

/**
 * Round halves up, as the server does.
 *
 * @param {number} number
 * @returns {number}
 */
const roundHalfUp = (number) => Math.floor(number + 0.5);

/**
 * Scale a number of bytes to at most three digits.
 *
 * @param {number} byteCount
 * @returns {[number: string, unit: string]} "4.2" and "MB"; one decimal below 10, none of single bytes
 */
const scaleBytes = (byteCount) => {
	let scaled = byteCount;
	let power = 0;
	while (power < SIZE_UNITS.length - 1 && scaled >= 999.5) {
		scaled /= 1000;
		power++;
	}
	const hasDecimal = power > 0 && scaled < 9.95;
	const number = hasDecimal ? (roundHalfUp(scaled * 10) / 10).toFixed(1) : `${roundHalfUp(scaled)}`;
	return [number, `${SIZE_UNITS[power]}`];
};

/**
 * Format a number of bytes, as "603 MB".
 *
 * @param {number} byteCount
 * @returns {string}
 */
export const formatSize = (byteCount) => scaleBytes(byteCount).join(" ");

/**
 * Format a duration, as "40 s", "4 min" or "1 h 12 min".
 *
 * @param {number} seconds
 * @returns {string}
 */
export const formatDuration = (seconds) => {
	const wholeSeconds = Math.round(seconds);
	if (seconds < 59.5) return `${wholeSeconds} s`;
	const minutes = Math.round(wholeSeconds / 60);
	if (minutes < 60) return `${minutes} min`;
	return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
};

/**
 * Format how much of a download has arrived, as "412 of 603 MB"; empty when unknown.
 *
 * @param {Pick<VideoState, "downloaded_bytes" | "total_bytes">} state
 * @returns {string}
 */
export const formatAmount = ({ downloaded_bytes: downloaded, total_bytes: total }) => {
	if (downloaded === null) return "";
	if (total === null) return formatSize(downloaded);
	const [number, unit] = scaleBytes(downloaded);
	const [, totalUnit] = scaleBytes(total);
	// One unit is written once.
	const amount = unit === totalUnit ? number : formatSize(downloaded);
	return `${amount} of ${formatSize(total)}`;
};

/**
 * Format a percentage, as "68 %": cut, never rounded up to 100; empty when unknown.
 *
 * @param {number | null} percent
 * @returns {string}
 */
export const formatPercent = (percent) => (percent === null ? "" : `${Math.floor(percent)} %`);

/**
 * Format speed and time left, as "5.1 MB/s · 40 s left", without what is unknown.
 *
 * @param {Pick<VideoState, "speed" | "eta">} state
 * @param {...string} leading parts that stand before these two
 * @returns {string}
 */
export const formatPace = ({ speed, eta }, ...leading) => {
	const speedText = speed ? `${formatSize(speed)}/s` : "";
	const etaText = eta === null ? "" : `${formatDuration(eta)} left`;
	return [...leading, speedText, etaText].filter(Boolean).join(SEPARATOR);
};

/**
 * Format the line under a progress bar, as "412 of 603 MB · 5.1 MB/s · 40 s left".
 *
 * @param {VideoState} state
 * @returns {string}
 */
export const formatProgressLine = (state) => formatPace(state, formatAmount(state));

/**
 * Format a progress bar's value for screen readers, as "68 percent, 412 of 603 MB".
 *
 * @param {VideoState} state
 * @returns {string}
 */
export const formatValueText = (state) => {
	const percentText = formatPercent(state.percent).replace("%", "percent");
	const parts = [percentText, formatProgressLine(state)].filter(Boolean);
	return parts.join(", ") || "not known yet";
};
