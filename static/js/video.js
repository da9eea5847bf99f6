/** The page of a video: plays on from where one stopped, and obeys keys. */

import { query } from "./dom.js";
import { startLivePage } from "./live_page.js";
import { listenForKeys } from "./shortcuts.js";

const STEPS = { j: -10, l: 10, ArrowLeft: -5, ArrowRight: 5 };

const livePage = startLivePage({ readTitle: () => `${query("h1")?.textContent} · ytarchive` });

let places = {};
try {
	places = localStorage;
} catch {}

const player = () => query("[data-resume]");

const resume = () => {
	const video = player();
	const at = Number(places[`at ${video?.dataset.resume}`]);
	if (video && at && !video.src.includes("#")) video.currentTime = at;
};

const remember = () => {
	const video = player();
	if (!video || !(video.duration >= 60)) return;
	const { currentTime: at, duration, dataset } = video;
	places[`at ${dataset.resume}`] = at > duration - 10 ? 0 : at;
};

listenForKeys((key, target) => {
	const video = player();
	// On a control, the browser knows what these do.
	if (!video || (/^( |Arrow.*)$/.test(key) && target?.closest("a, button, input, video")))
		return false;
	const tracks = [...video.textTracks];
	const shown = tracks.filter(({ mode }) => mode === "showing");
	const other = shown[0] ? "hidden" : "showing";
	const step = STEPS[key];
	if (step) video.currentTime += step;
	else if (key === "k" || key === " ") video.paused ? video.play().catch(() => {}) : video.pause();
	else if (key === "f")
		document.fullscreenElement ? document.exitFullscreen() : video.requestFullscreen();
	else if (key === "m") video.muted = !video.muted;
	else if (key === "c")
		for (const track of shown[0] ? shown : tracks.slice(0, 1)) track.mode = other;
	else return false;
	return true;
});

// While it plays, it is no part that may be swapped.
const hold = (name) => {
	const part = player()?.closest("section");
	if (part) part.dataset.part = name;
};

addEventListener(
	"play",
	() => {
		hold("playing");
		delete query("main")?.dataset.began;
	},
	true,
);
addEventListener(
	"pause",
	() => {
		hold("player");
		livePage.requestAll();
	},
	true,
);
addEventListener("loadedmetadata", resume, true);
addEventListener("timeupdate", remember, true);
resume();
