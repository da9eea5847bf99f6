/** Entry of the page of a video: live state and playback position. What is used rarely is loaded when it is used. */

import { query } from "./dom.js";
import { startLivePage } from "./live_page.js";
import { findPlayer, play } from "./player.js";
import { listenForKeys } from "./shortcuts.js";
import { storage } from "./storage.js";
import { keepPosition } from "./watched.js";

// Of player_keys.js. On a control, space and arrows are the browser's.
const PLAYER_KEYS = /^[ \dcfjklmNP<>]$|^Arrow(Left|Right)$/;
const CONTROLS = "a, button, input, summary, video, audio";

/**
 * The server's partials bring a part "player": while it has another name, the video plays on.
 *
 * @param {string} name
 */
const setPlayerPart = (name) => {
	const section = findPlayer()?.closest("section");
	if (section) section.dataset.part = name;
};

/**
 * Tell whether this browser cannot decode a video.
 *
 * @param {HTMLVideoElement} video
 * @returns {boolean} codecs that it does not know, an error, or sound without the picture that the file has
 */
const isUnplayable = (video) => {
	const types = video.dataset.types?.split("|") ?? [];
	const isUnknown = types.some((type) => !video.canPlayType(type));
	const isBroken = video.error !== null && video.error.code > MediaError.MEDIA_ERR_NETWORK;
	const hasNoPicture = video.matches("video") && video.readyState > 0 && !video.videoWidth;
	return isUnknown || isBroken || hasNoPicture;
};

/** Say so now, and whenever the player or its file changes. */
const showPlayability = () => {
	const video = findPlayer();
	if (video) query("main")?.toggleAttribute("data-unplayable", isUnplayable(video));
};

const livePage = startLivePage({ readTitle: () => `${query("h1")?.textContent} · ytarchive` });

listenForKeys((key, target) => {
	const video = findPlayer();
	const isControlKey = /^[ A]/.test(key) && target.closest(CONTROLS);
	if (!video || isControlKey || !PLAYER_KEYS.test(key)) return false;
	import("./player_keys.js").then(({ handlePlayerKey }) => handlePlayerKey(key, video));
	return true;
});

/** Speed and subtitles may be chosen by the browser's own controls too. */
const keepSettings = () => {
	import("./player_settings.js").then((settings) => settings.keepSettings());
};

/** A player is there, perhaps in place of another one. */
const preparePlayer = () => {
	const video = findPlayer();
	/** @type {HTMLInputElement | null} */
	const autoplay = query("[data-autoplay]");
	if (autoplay) autoplay.checked = storage.autoplay === "on";
	video?.textTracks.addEventListener("change", keepSettings);
	if (storage.speed || storage.subtitles === "on")
		import("./player_settings.js").then((settings) => settings.applySettings());
	if (query("[data-chapter]")) import("./chapters.js").then(({ showChapter }) => showChapter());
};

// Media events do not bubble, hence capture; the player may be swapped.
const handlePlay = () => {
	const video = findPlayer();
	setPlayerPart("playing");
	delete query("main")?.dataset.began;
	// The ratio of a file that the archive does not know; not earlier, since nothing moves by itself.
	if (video?.videoWidth && !video.hasAttribute("width")) {
		video.width = video.videoWidth;
		video.height = video.videoHeight;
	}
};
const handlePause = () => {
	setPlayerPart("player");
	livePage.requestAll();
};
addEventListener("play", handlePlay, true);
addEventListener("pause", handlePause, true);
addEventListener("loadedmetadata", preparePlayer, true);
keepPosition();

const followTime = () => import("./player_times.js").then(({ seekTo }) => seekTo(location));

// Links to a time in this video seek in place.
addEventListener("click", (event) => {
	const target = /** @type {Element} */ (event.target);
	/** @type {HTMLAnchorElement | null | undefined} */
	const link = target.closest?.("a[href]");
	/** @type {HTMLElement | null | undefined} */
	const button = target.closest?.("[data-do]");
	if (button) import("./player_bar.js").then(({ press }) => press(button));
	const { button: key, ctrlKey, metaKey, shiftKey, altKey } = event;
	const isHere = link?.pathname === location.pathname && link.host === location.host;
	if (!isHere || !/[?&#]t=/.test(link.href) || !findPlayer()) return;
	if (key || ctrlKey || metaKey || shiftKey || altKey) return;
	event.preventDefault();
	import("./player_times.js").then(({ followLink }) => followLink(link));
});
addEventListener("hashchange", followTime);
addEventListener("change", ({ target }) => {
	const control = /** @type {HTMLInputElement} */ (target);
	// Now: what the player tells meanwhile is shown in it.
	const { dataset, value } = control;
	if (dataset.set) import("./player_bar.js").then(({ set }) => set(control, value));
});
addEventListener("ratechange", keepSettings, true);
addEventListener(
	"ended",
	() =>
		storage.autoplay === "on" &&
		import("./autoplay.js").then(({ startCountdown }) => startCountdown()),
	true,
);
preparePlayer();
if (location.hash) followTime();
// Somebody has come here to go on watching (autoplay.js).
if (storage["autoplay starts"] === location.href) {
	delete storage["autoplay starts"];
	play(findPlayer());
}
for (const name of ["error", "loadedmetadata", "emptied", "loadstart"])
	addEventListener(name, showPlayability, true);
showPlayability();
