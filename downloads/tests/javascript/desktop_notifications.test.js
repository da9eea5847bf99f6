import assert from "node:assert/strict";
import { test } from "node:test";
import { formatEndings } from "../../../static/js/desktop_notifications.js";

test("it says of each download whether it finished or failed", () => {
	for (const [finished, failed, text] of [
		[1, 0, "1 download finished"],
		[2, 0, "2 downloads finished"],
		[0, 1, "1 download failed"],
		[0, 3, "3 downloads failed"],
		[2, 1, "2 downloads finished, 1 failed"],
	])
		assert.equal(formatEndings(finished, failed), text);
});
