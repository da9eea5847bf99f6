/** What this browser remembers; for as long as the page lives where the visitor's settings forbid it. */

/** @returns {Record<string, string | number>} */
const openStorage = () => {
	try {
		return localStorage;
	} catch {
		return {};
	}
};

export const storage = openStorage();
