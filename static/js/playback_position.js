/** Playback position: a video plays on where this browser left it. */

const MIN_DURATION_SECONDS = 60;
// Who stops this close to the end has seen it.
const END_SECONDS = 10;

/**
 * Return where positions are kept; where storage is forbidden, only for as long as the page lives.
 *
 * @returns {Record<string, string | number>}
 */
const openStorage = () => {
	try {
		return localStorage;
	} catch {
		// A SecurityError, by the visitor's settings.
		return {};
	}
};

const positions = openStorage();

/** @param {HTMLVideoElement} video */
const storageKey = (video) => `at ${video.dataset.resume}`;

/**
 * Seek to the kept position, unless the address names one (`#t=`).
 *
 * @param {HTMLVideoElement} video
 */
export const resumePosition = (video) => {
	const seconds = Number(positions[storageKey(video)]);
	if (seconds && !video.src.includes("#")) video.currentTime = seconds;
};

/**
 * Keep the position of a video that is long enough to be left and resumed.
 *
 * @param {HTMLVideoElement} video
 */
export const savePosition = (video) => {
	const { currentTime, duration } = video;
	// NaN while the duration is unknown.
	if (!(duration >= MIN_DURATION_SECONDS)) return;
	const isAtEnd = currentTime > duration - END_SECONDS;
	positions[storageKey(video)] = isAtEnd ? 0 : currentTime;
};
