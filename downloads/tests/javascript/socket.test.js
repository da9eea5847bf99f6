import assert from "node:assert/strict";
import { test } from "node:test";
import { delay } from "../../../static/js/socket.js";

test("it backs off with full jitter up to 4 s", () => {
	assert.equal(delay(0, 0, false, 0), 0);
	assert.equal(delay(0, 0, false, 1), 500);
	assert.equal(delay(2, 0, false, 0.5), 1000);
	for (const failures of [3, 10, 1e9]) assert.equal(delay(failures, 0, false, 1), 4000);
});

test("it waits longer after ten minutes and in a hidden tab", () => {
	assert.equal(delay(20, 600_001, false, 1), 30_000);
	assert.equal(delay(20, 0, true, 1), 30_000);
	assert.equal(delay(20, 600_000, false, 1), 4000);
});
