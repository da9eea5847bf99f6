import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { amount, line, pace, percent, size, span, valuetext } from "../../../static/js/format.js";

const table = JSON.parse(readFileSync(new URL("../formats.json", import.meta.url), "utf8"));
const nothing = {
	attempt: 1,
	status: null,
	percent: null,
	downloaded_bytes: null,
	total_bytes: null,
	speed: null,
	eta: null,
	phase: null,
	at: 0,
};

test("it writes numbers as the server does", () => {
	for (const [count, words] of table.size) assert.equal(size(count), words);
	for (const [done, total, words] of table.amount)
		assert.equal(amount({ ...nothing, downloaded_bytes: done, total_bytes: total }), words);
	for (const [number, words] of table.percent) assert.equal(percent(number), words);
});

test("it writes times short", () => {
	const table = {
		0: "0 s",
		37.4: "37 s",
		59.6: "1 min",
		240: "4 min",
		3599: "1 h 0 min",
		4320: "1 h 12 min",
	};
	for (const [seconds, words] of Object.entries(table)) assert.equal(span(Number(seconds)), words);
});

test("it leaves out what is not known", () => {
	assert.equal(pace({ speed: 0, eta: null }), "");
	assert.equal(pace({ speed: 5.1e6, eta: null }), "5.1 MB/s");
	assert.equal(line({ ...nothing, downloaded_bytes: 5, eta: 37 }), "5 B · 37 s left");
	assert.equal(valuetext(nothing), "not known yet");
	assert.equal(
		valuetext({ ...nothing, percent: 68.9, downloaded_bytes: 31e6 }),
		"68 percent, 31 MB",
	);
});
