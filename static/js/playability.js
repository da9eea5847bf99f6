/** What this browser cannot decode of a video, which the page then says: codecs, or a file that turns out so. */

import { query } from "./dom.js";
import { findPlayer } from "./player.js";

/**
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
export const watchPlayability = () => {
	const show = () => {
		const video = findPlayer();
		if (video) query("main")?.toggleAttribute("data-unplayable", isUnplayable(video));
	};
	// Media events do not bubble, hence capture; the player may be swapped.
	for (const name of ["error", "loadedmetadata", "emptied", "loadstart"])
		addEventListener(name, show, true);
	show();
};
