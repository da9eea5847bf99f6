/** The player: goes on where one stopped, and obeys keys. */

import { find } from "./page.js";

/** @type {Record<string, number>} */
const STEPS = { j: -10, l: 10, ArrowLeft: -5, ArrowRight: 5 };

const player = () => /** @type {HTMLVideoElement | null} */ (find("[data-resume]"));

function resume() {
	const video = player();
	const at = Number(new URLSearchParams(location.search).get("t") ?? localStorage[`at ${video?.dataset.resume}`]);
	if (video && at) video.currentTime = at;
}

function remember() {
	const video = player();
	if (!(video && video.duration > 60)) return;
	const ends = video.currentTime > video.duration - 10;
	localStorage[`at ${video.dataset.resume}`] = ends ? 0 : video.currentTime;
}

/** Do what a key means to the player; tell whether it means something. @type {Test<KeyboardEvent>} */
export const press = ({ key, target }) => {
	const video = player();
	// On a control, the browser knows what these do.
	if (!video || (/^( |Arrow.*)$/.test(key) && target !== document.body)) return false;
	const [track] = video.textTracks;
	const step = STEPS[key];
	if (step) video.currentTime += step;
	else if (key === "k" || key === " ") video.paused ? video.play() : video.pause();
	else if (key === "f") document.fullscreenElement ? document.exitFullscreen() : video.requestFullscreen();
	else if (key === "m") video.muted = !video.muted;
	else if (key === "c" && track) track.mode = track.mode === "showing" ? "hidden" : "showing";
	else return false;
	return true;
};

addEventListener("loadedmetadata", resume, true);
addEventListener("pagehide", remember);
setInterval(remember, 3000);
resume();
