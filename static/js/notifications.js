/** Announcements of status changes: for screen readers, and as desktop notifications where allowed. */

import { query, queryAll, setText } from "./dom.js";
import { storage } from "./storage.js";

/** @import { ShownElements } from "./cards.js" */

const MAX_ANNOUNCED = 3;
/** @type {Record<string, string>} */
const ENDINGS = { complete: "finished", cancelled: "was cancelled" };

// Undefined in some browsers.
const { Notification: DesktopNotification } = window;
const { dataset } = document.documentElement;

const isWanted = () => DesktopNotification?.permission === "granted" && storage.notify !== "off";

const showChoice = () => {
	dataset.notify = DesktopNotification?.permission;
	for (const button of queryAll("[data-notify-me]")) button.ariaPressed = `${isWanted()}`;
};

/** Turn notifications on, once the browser's question is answered, or off. */
const toggle = async () => {
	const isTurnedOff = isWanted();
	storage.notify = isTurnedOff ? "off" : "on";
	if (!isTurnedOff) await DesktopNotification.requestPermission();
	showChoice();
};

/** @param {string[]} endings */
const notifyOfEndings = (endings) => {
	if (!document.hidden || !endings.length || !isWanted()) return;
	const body = endings.join("\n");
	const count = endings.length;
	// Several tabs show one tag once.
	new DesktopNotification(count === 1 ? "1 download finished" : `${count} downloads finished`, {
		body,
		tag: body,
	});
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
		const title = card && query("[data-title]", card.element)?.textContent;
		const text = title ? `${title}: ${status}` : `A video ${ENDINGS[status] ?? status}`;
		texts.push(text);
		if (status === "complete" || status === "failed") endings.push(text);
	}
	if (texts.length) setText("[data-announce]", texts.slice(0, MAX_ANNOUNCED).join(". "));
	notifyOfEndings(endings);
};

/** Have the bells turn notifications on and off; a browser asks for permission at a click only. */
export const offerNotifications = () => {
	addEventListener("click", ({ target }) => {
		if (/** @type {Element | null} */ (target)?.closest("[data-notify-me]")) toggle();
	});
	showChoice();
};
