/** Entry of the page of a video: live state, playback position and the player's keys. */

import { query } from "./dom.js";
import { startLivePage } from "./live_page.js";
import { handlePlayerKey } from "./player_shortcuts.js";
import { listenForKeys } from "./shortcuts.js";
import { keepPosition } from "./watched.js";

/** @returns {HTMLVideoElement | null} */
const findPlayer = () => query("[data-resume]");

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
keepPosition(findPlayer);

// Once the page is live: until then links to times are followed.
import("./player_times.js").then(({ listenForTimes }) => listenForTimes(findPlayer));
import("./autoplay.js").then(({ listenForEnd }) => listenForEnd(findPlayer));
import("./playability.js").then(({ watchPlayability }) => watchPlayability(findPlayer));
