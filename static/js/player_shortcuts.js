/** Keyboard shortcuts of the player, as on other video sites. */

/** @typedef {(video: HTMLVideoElement) => void} PlayerAction */

const CONTROLS = "a, button, input, video";
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
	else video.requestFullscreen();
};

/** @type {PlayerAction} */
const toggleSound = (video) => {
	video.muted = !video.muted;
};

/** @type {PlayerAction} */
const toggleSubtitles = (video) => {
	const tracks = [...video.textTracks];
	const showing = tracks.filter(({ mode }) => mode === "showing");
	if (showing.length) for (const track of showing) track.mode = "hidden";
	else for (const track of tracks.slice(0, 1)) track.mode = "showing";
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
	const action = ACTIONS.get(key);
	action?.(video);
	return action !== undefined;
};
