/** Announcements of status changes: for screen readers, and as desktop notifications where allowed. */

import { query, setText } from "./dom.js";

/** @import { ShownElements } from "./cards.js" */

const MAX_ANNOUNCED = 3;

// Undefined in some browsers.
const { Notification: DesktopNotification } = window;
const { dataset } = document.documentElement;

const showPermission = () => {
	dataset.notify = DesktopNotification?.permission;
};

/** @param {string[]} endings */
const notifyOfEndings = (endings) => {
	if (!document.hidden || !endings.length || dataset.notify !== "granted") return;
	const body = endings.join("\n");
	// Several tabs show one tag once.
	new DesktopNotification(`Downloads ended: ${endings.length}`, { body, tag: body });
};

/**
 * @param {ReadonlyMap<string, string>} statusChanges by video id
 * @param {ShownElements} shownCards
 */
export const announceStatusChanges = (statusChanges, shownCards) => {
	const texts = [];
	const endings = [];
	for (const [videoId, status] of statusChanges) {
		const card = shownCards.get(videoId);
		const title = card ? query("[data-title]", card.element)?.textContent : "Another video";
		const text = `${title}: ${status}`;
		texts.push(text);
		if (status === "complete" || status === "failed") endings.push(text);
	}
	if (texts.length) setText("[data-announce]", texts.slice(0, MAX_ANNOUNCED).join(". "));
	notifyOfEndings(endings);
};

/** Ask for permission at a click, as browsers demand. */
export const offerNotifications = () => {
	addEventListener("click", ({ target }) => {
		const button = /** @type {Element | null} */ (target)?.closest("[data-notify-me]");
		if (button) DesktopNotification.requestPermission(showPermission);
	});
	showPermission();
};
