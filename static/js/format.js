/** Numbers as text, equal to what the server's templates write. Pure. */

const SIZE_UNITS = ["B", "kB", "MB", "GB", "TB"];

/** @param {number} number */
const roundHalfUp = (number) => Math.floor(number + 0.5);

/**
 * Scale to at most three digits.
 *
 * @param {number} byteCount
 * @returns {[number: string, unit: string]}
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
 * Format as "603 MB".
 *
 * @param {number} byteCount
 * @returns {string}
 */
export const formatSize = (byteCount) => scaleBytes(byteCount).join(" ");

/**
 * Format as "40 s", "4 min", "1 h 12 min".
 *
 * @param {number} seconds
 * @returns {string}
 */
export const formatDuration = (seconds) => {
	const wholeSeconds = Math.round(seconds);
	if (wholeSeconds < 60) return `${wholeSeconds} s`;
	const minutes = Math.round(wholeSeconds / 60);
	if (minutes < 60) return `${minutes} min`;
	return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
};

/**
 * Format as "412 of 603 MB".
 *
 * @param {Pick<Progress, "downloaded_bytes" | "total_bytes">} progress
 * @returns {string}
 */
export const formatAmount = ({ downloaded_bytes: downloaded, total_bytes: total }) => {
	if (downloaded === null) return "";
	if (total === null) return formatSize(downloaded);
	const [number, unit] = scaleBytes(downloaded);
	const [, totalUnit] = scaleBytes(total);
	const amount = unit === totalUnit ? number : formatSize(downloaded);
	return `${amount} of ${formatSize(total)}`;
};

/**
 * Format as "68 %", never rounded up to 100.
 *
 * @param {number | null} percent
 * @returns {string}
 */
export const formatPercent = (percent) => (percent === null ? "" : `${Math.floor(percent)} %`);

/**
 * Format as "5.1 MB/s · 40 s left". A time that rounds to "0 s" is left out: it would say nothing.
 *
 * @param {Pick<Progress, "speed" | "eta">} progress
 * @param {...string} leading
 * @returns {string}
 */
export const formatPace = ({ speed, eta }, ...leading) => {
	const speedText = speed ? `${formatSize(speed)}/s` : "";
	const etaText = eta && Math.round(eta) ? `${formatDuration(eta)} left` : "";
	return [...leading, speedText, etaText].filter(Boolean).join(" · ");
};

/**
 * Format as "412 of 603 MB · 5.1 MB/s · 40 s left".
 *
 * @param {Progress} progress
 * @returns {string}
 */
export const formatProgressLine = (progress) => formatPace(progress, formatAmount(progress));

/** @type {Record<string, string>} */
const PHASE_PHRASES = {
	"looking up": "Finding video…",
	video: "Downloading video",
	audio: "Downloading audio",
	merging: "Saving",
	filing: "Saving",
	saving: "Saving",
};

/** @type {Record<string, string>} */
const STATUS_PHRASES = {
	queued: "Waiting",
	processing: "Saving",
	complete: "Complete",
	failed: "Failed",
	cancelled: "Cancelled",
};

/**
 * Say what happens with a download: one phrase.
 *
 * @param {Pick<Progress, "percent" | "downloaded_bytes" | "phase"> & { status: string | null }} state
 * @param {number} stalledSeconds 0: not stalled
 */
export const formatPhrase = ({ status, phase, ...progress }, stalledSeconds) => {
	if (stalledSeconds) return `Stalled, no data for ${stalledSeconds} s`;
	const isUnknown = progress.percent === null && progress.downloaded_bytes === null;
	const phasePhrase = PHASE_PHRASES[phase || (isUnknown ? "looking up" : "")];
	return STATUS_PHRASES[`${status}`] ?? phasePhrase ?? "Downloading";
};

/**
 * Format as "68 percent, 412 of 603 MB", for screen readers.
 *
 * @param {Progress} progress
 * @returns {string}
 */
export const formatValueText = (progress) => {
	const percentText = formatPercent(progress.percent).replace("%", "percent");
	const parts = [percentText, formatProgressLine(progress)].filter(Boolean);
	return parts.join(", ") || "not known yet";
};
