/** Desktop notifications. Loaded when they are turned on or off, and when there is one. */

import { storage } from "./storage.js";

/**
 * Turn notifications on, once the browser's question is answered, or off.
 *
 * @param {boolean} isOn
 */
export const setNotifications = async (isOn) => {
	storage.notify = isOn ? "on" : "off";
	if (isOn) await Notification.requestPermission();
};

/** @param {string[]} endings */
export const notifyOfEndings = (endings) => {
	const body = endings.join("\n");
	const count = endings.length;
	// Several tabs show one tag once.
	new Notification(count === 1 ? "1 download finished" : `${count} downloads finished`, {
		body,
		tag: body,
	});
};
