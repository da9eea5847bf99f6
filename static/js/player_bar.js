/** The bar below the player. Loaded when it is used. */

import { setAutoplay } from "./autoplay.js";
import { copyText } from "./clipboard.js";
import { query, setText } from "./dom.js";
import { findPlayer, formatClock } from "./player.js";
import { chooseSubtitles } from "./player_choices.js";
import { setSpeed } from "./player_settings.js";

const COPIED_SHOWN_MS = 3_000;

let copiedTimer = 0;

const toggleTheatre = (/** @type {HTMLElement} */ button) => {
	button.ariaPressed = `${query("main")?.toggleAttribute("data-theatre")}`;
};

const togglePicture = () => {
	/** @type {any} the types have no audio, which has no picture */
	const video = findPlayer();
	if (document.pictureInPictureElement) document.exitPictureInPicture();
	// The browser's own sign says where it is; without one it is not possible here.
	else video?.requestPictureInPicture?.().catch(() => {});
};

/** @param {HTMLElement} button */
const copyLink = async (button) => {
	const seconds = Math.floor(findPlayer()?.currentTime ?? 0);
	const { origin, pathname } = location;
	const isCopied = await copyText(`${origin}${pathname}${seconds ? `?t=${seconds}` : ""}`);
	const text = isCopied ? `Copied link at ${formatClock(seconds)}` : "Couldn’t copy the link";
	const label = /** @type {HTMLElement} */ (query("[data-label]", button));
	setText("[data-announce]", text);
	label.dataset.label ||= `${label.textContent}`;
	label.textContent = text;
	button.classList.toggle("done", isCopied);
	clearTimeout(copiedTimer);
	copiedTimer = setTimeout(() => {
		label.textContent = `${label.dataset.label}`;
		button.classList.remove("done");
	}, COPIED_SHOWN_MS);
};

/** @type {Record<string, (button: HTMLElement) => void>} */
const BUTTONS = { theatre: toggleTheatre, picture: togglePicture, "copy-link": copyLink };

/** @type {Record<string, (value: string, control: HTMLInputElement) => void>} */
const FIELDS = {
	speed: (value) => setSpeed(Number(value)),
	subtitles: chooseSubtitles,
	autoplay: (_, { checked }) => setAutoplay(checked),
};

/** @param {HTMLElement} button */
export const press = (button) => BUTTONS[`${button.dataset.do}`]?.(button);

/**
 * @param {HTMLInputElement} control a field
 * @param {string} value that it was given
 */
export const set = (control, value) => {
	FIELDS[`${control.dataset.set}`]?.(value, control);
	// Chosen by pointer: the keys are the player's again.
	if (!control.matches(":focus-visible")) control.blur();
};
