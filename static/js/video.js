/** Entry of the page of a video: live state, playback position and the player's keys. */

import { query } from "./dom.js";
import { startLivePage } from "./live_page.js";
import { handlePlayerKey } from "./player_shortcuts.js";
import { listenForKeys } from "./shortcuts.js";

// Playback position ---------------------------------------------------------------------------

const MIN_DURATION_SECONDS = 60;
// Whoever stops this close to the end has seen it.
const END_SECONDS = 10;

/** @returns {Record<string, string | number>} */
const openStorage = () => {
	try {
		return localStorage;
	} catch {
		// Forbidden by the visitor's settings: kept for as long as the page lives.
		return {};
	}
};

const positions = openStorage();

/** @param {HTMLVideoElement} video */
const storageKey = (video) => `at ${video.dataset.resume}`;

/** @param {HTMLVideoElement} video its own `#t=` comes first */
const resumePosition = (video) => {
	const seconds = Number(positions[storageKey(video)]);
	if (seconds && !video.src.includes("#")) video.currentTime = seconds;
};

/** @param {HTMLVideoElement} video */
const savePosition = (video) => {
	const { currentTime, duration } = video;
	// NaN while the duration is unknown.
	if (!(duration >= MIN_DURATION_SECONDS)) return;
	const isAtEnd = currentTime > duration - END_SECONDS;
	positions[storageKey(video)] = isAtEnd ? 0 : currentTime;
};

// Player --------------------------------------------------------------------------------------

/** @returns {HTMLVideoElement | null} */
const findPlayer = () => query("[data-resume]");

/** @param {(video: HTMLVideoElement) => void} action */
const withPlayer = (action) => {
	const video = findPlayer();
	if (video) action(video);
};

/**
 * The server's partials bring a part "player": while it has another name, the video plays on.
 *
 * @param {string} name
 */
const setPlayerPart = (name) => {
	const section = findPlayer()?.closest("section");
	if (section) section.dataset.part = name;
};

const livePage = startLivePage({ readTitle: () => `${query("h1")?.textContent} · ytarchive` });

listenForKeys((key, target) => {
	const video = findPlayer();
	return video !== null && handlePlayerKey(key, target, video);
});

// Media events do not bubble, hence capture; the player may be swapped.
const handlePlay = () => {
	setPlayerPart("playing");
	delete query("main")?.dataset.began;
};
const handlePause = () => {
	setPlayerPart("player");
	livePage.requestAll();
};
addEventListener("play", handlePlay, true);
addEventListener("pause", handlePause, true);
addEventListener("loadedmetadata", () => withPlayer(resumePosition), true);
addEventListener("timeupdate", () => withPlayer(savePosition), true);
withPlayer(resumePosition);
