import assert from "node:assert/strict";
import { test } from "node:test";
import { parseTime } from "../../../static/js/player_times.js";

test("what is no time is none", () => {
	for (const text of [null, "", "x", "1:", "1:2:3:4", "-5", "1m2h", ":30", "1.5"])
		assert.equal(parseTime(text), null, `${text}`);
});

test("times are read as links write them", () => {
	const times = { 83: 83, "83s": 83, "0:45": 45, "1:02:03": 3723, "125:00": 7500, "1h2m3s": 3723 };
	for (const [text, seconds] of Object.entries({ ...times, "2m": 120, "1h": 3600, "1m23": 83 }))
		assert.equal(parseTime(text), seconds, text);
});
