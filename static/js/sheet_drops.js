/** Links that are dropped on the page. Loaded with the first drag. */

import { isTextField } from "./shortcuts.js";

const LINK_TYPES = ["text/uri-list", "text/plain"];

/** @param {DataTransfer} data */
const readLinks = (data) => {
	const uris = data.getData("text/uri-list").split(/\r?\n/);
	const links = uris.filter((line) => !line.startsWith("#")).join("\n");
	return links || data.getData("text/plain");
};

/**
 * @param {boolean} isOwn the drag began within the page: what is dragged is no new link
 * @param {() => boolean} mayAdd whether there is a form for links
 * @param {(text: string) => boolean} addLinks returns whether it took them
 */
export const listenForDrops = (isOwn, mayAdd, addLinks) => {
	let isOwnDrag = isOwn;
	addEventListener("dragstart", () => {
		isOwnDrag = true;
	});
	addEventListener("dragend", () => {
		isOwnDrag = false;
	});
	addEventListener("dragover", (event) => {
		const hasLinks = LINK_TYPES.some((type) => event.dataTransfer?.types.includes(type));
		if (hasLinks && !isOwnDrag && !isTextField(event.target) && mayAdd()) event.preventDefault();
	});
	addEventListener("drop", (event) => {
		if (isOwnDrag || isTextField(event.target) || !event.dataTransfer) return;
		if (addLinks(readLinks(event.dataTransfer))) event.preventDefault();
	});
};
