/** Entry of the page of a video: live state, playback position and the player's keys. */

import { query } from "./dom.js";
import { startLivePage } from "./live_page.js";
import { resumePosition, savePosition } from "./playback_position.js";
import { handlePlayerKey } from "./player_shortcuts.js";
import { listenForKeys } from "./shortcuts.js";

/** @returns {HTMLVideoElement | null} null: there is nothing to play, or not yet */
const findPlayer = () => query("[data-resume]");

/**
 * Run an action with the player, if the page has one.
 *
 * @param {(video: HTMLVideoElement) => void} action
 */
const withPlayer = (action) => {
	const video = findPlayer();
	if (video) action(video);
};

/**
 * Name the part of the page that holds the player.
 *
 * The server's partials bring a part "player"; under another name it is not swapped, so that a video
 * plays on.
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

// Media events do not bubble: a listener that captures hears them of any player that is swapped in.
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
