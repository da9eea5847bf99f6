/** Announcements of status changes: for screen readers, and as desktop notifications where allowed. */

import { query, setText } from "./dom.js";

/** @import { ShownElements } from "./cards.js" */

const MAX_ANNOUNCED = 3;

// Not in every browser, and only in secure contexts.
const { Notification: DesktopNotification } = window;
const { dataset } = document.documentElement;

/** Let the style sheet offer notifications only while the answer is open. */
const showPermission = () => {
	dataset.notify = DesktopNotification?.permission;
};

/**
 * Say which video has which status now, as "Title: complete".
 *
 * @param {string} videoId
 * @param {string} status
 * @param {ShownElements} shownCards
 * @returns {string}
 */
const describeChange = (videoId, status, shownCards) => {
	const card = shownCards.get(videoId);
	const title = card ? query("[data-title]", card.element)?.textContent : "Another video";
	return `${title}: ${status}`;
};

/**
 * Show one desktop notification of the downloads that have ended, unless somebody looks at the page.
 *
 * @param {string[]} endings one text for each
 */
const notifyOfEndings = (endings) => {
	if (!document.hidden || !endings.length || dataset.notify !== "granted") return;
	const body = endings.join("\n");
	// The tag makes several tabs that say the same show it once.
	new DesktopNotification(`Downloads ended: ${endings.length}`, { body, tag: body });
};

/**
 * Announce the videos that have another status now.
 *
 * @param {ReadonlyMap<string, string>} statusChanges the new status by video id
 * @param {ShownElements} shownCards
 */
export const announceStatusChanges = (statusChanges, shownCards) => {
	const changes = Array.from(statusChanges, ([videoId, status]) => ({
		status,
		text: describeChange(videoId, status, shownCards),
	}));
	const texts = changes.map(({ text }) => text);
	if (texts.length) setText("[data-announce]", texts.slice(0, MAX_ANNOUNCED).join(". "));
	const endings = changes.filter(({ status }) => ["complete", "failed"].includes(status));
	notifyOfEndings(endings.map(({ text }) => text));
};

/** Show whether notifications are allowed, and ask for them at a click on `[data-notify-me]`. */
export const offerNotifications = () => {
	addEventListener("click", ({ target }) => {
		const button = /** @type {Element | null} */ (target)?.closest("[data-notify-me]");
		// Browsers ask only in answer to a click.
		if (button) DesktopNotification.requestPermission(showPermission);
	});
	showPermission();
};
