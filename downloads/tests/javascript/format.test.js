import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import {
	formatAmount,
	formatDuration,
	formatPace,
	formatPercent,
	formatProgressLine,
	formatSize,
	formatValueText,
} from "../../../static/js/format.js";

const table = JSON.parse(readFileSync(new URL("../support/formats.json", import.meta.url), "utf8"));
const UNKNOWN = {
	attempt: 1,
	status: null,
	percent: null,
	downloaded_bytes: null,
	total_bytes: null,
	speed: null,
	eta: null,
	phase: null,
	updatedAt: 0,
};

test("it writes numbers as the server does", () => {
	for (const [count, text] of table.size) assert.equal(formatSize(count), text);
	for (const [downloaded, total, text] of table.amount)
		assert.equal(
			formatAmount({ ...UNKNOWN, downloaded_bytes: downloaded, total_bytes: total }),
			text,
		);
	for (const [percent, text] of table.percent) assert.equal(formatPercent(percent), text);
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
	for (const [seconds, text] of Object.entries(table))
		assert.equal(formatDuration(Number(seconds)), text);
});

test("it leaves out what is unknown", () => {
	assert.equal(formatPace({ speed: 0, eta: null }), "");
	assert.equal(formatPace({ speed: 5.1e6, eta: null }), "5.1 MB/s");
	assert.equal(formatPace({ speed: 5.1e6, eta: 0 }), "5.1 MB/s");
	assert.equal(formatPace({ speed: 5.1e6, eta: 0.4 }), "5.1 MB/s");
	assert.equal(formatPace({ speed: 5.1e6, eta: 0.5 }), "5.1 MB/s · 1 s left");
	assert.equal(formatProgressLine({ ...UNKNOWN, downloaded_bytes: 5, eta: 37 }), "5 B · 37 s left");
	assert.equal(formatValueText(UNKNOWN), "not known yet");
	assert.equal(
		formatValueText({ ...UNKNOWN, percent: 68.9, downloaded_bytes: 31e6 }),
		"68 percent, 31 MB",
	);
});
