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

/**
 * Format as "2 downloads finished", "1 download failed", "2 downloads finished, 1 failed".
 *
 * @param {number} finished
 * @param {number} failed
 */
export const formatEndings = (finished, failed) => {
	const first = finished || failed;
	const subject = first === 1 ? "1 download" : `${first} downloads`;
	if (!finished) return `${subject} failed`;
	return failed ? `${subject} finished, ${failed} failed` : `${subject} finished`;
};

/** @param {{ text: string, status: string }[]} endings */
export const notifyOfEndings = (endings) => {
	const body = endings.map(({ text }) => text).join("\n");
	const failed = endings.filter(({ status }) => status === "failed").length;
	// Several tabs show one tag once.
	new Notification(formatEndings(endings.length - failed, failed), { body, tag: body });
};
