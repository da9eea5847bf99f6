/**
 * Announcements of status changes: for screen readers, and as desktop notifications where allowed. Loaded with the
 * first one, or by a page with a bell.
 */

import { query, queryAll, setText } from "./dom.js";
import { storage } from "./storage.js";

/** @import { ShownElements } from "./cards.js" */

const MAX_ANNOUNCED = 3;
/** @type {Record<string, string>} */
const ENDINGS = { complete: "finished", cancelled: "was cancelled" };

// Undefined in some browsers.
const readPermission = () => window.Notification?.permission;

const isWanted = () => readPermission() === "granted" && storage.notify !== "off";

const showChoice = () => {
	document.documentElement.dataset.notify = readPermission();
	for (const button of queryAll("[data-notify-me]")) button.ariaPressed = `${isWanted()}`;
};

/**
 * @param {ReadonlyMap<string, string>} statusChanges by video id
 * @param {ShownElements} shownCards
 */
export const announceStatusChanges = (statusChanges, shownCards) => {
	/** @type {string[]} */
	const texts = [];
	/** @type {{ text: string, status: string }[]} */
	const endings = [];
	for (const [videoId, status] of statusChanges) {
		const card = shownCards.get(videoId);
		const title = card && query("[data-title]", card.element)?.textContent;
		const text = title ? `${title}: ${status}` : `A video ${ENDINGS[status] ?? status}`;
		texts.push(text);
		if (status === "complete" || status === "failed") endings.push({ text, status });
	}
	if (texts.length) setText("[data-announce]", texts.slice(0, MAX_ANNOUNCED).join(". "));
	if (document.hidden && endings.length && isWanted())
		import("./desktop_notifications.js").then(({ notifyOfEndings }) => notifyOfEndings(endings));
};

// The bells turn notifications on and off; a browser asks for permission at a click only.
addEventListener("click", ({ target }) => {
	if (/** @type {Element | null} */ (target)?.closest("[data-notify-me]"))
		import("./desktop_notifications.js")
			.then(({ setNotifications }) => setNotifications(!isWanted()))
			.then(showChoice);
});
showChoice();
