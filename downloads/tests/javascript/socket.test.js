import assert from "node:assert/strict";
import { test } from "node:test";
import { reconnectDelay } from "../../../static/js/socket.js";

test("it backs off with full jitter up to 4 s", () => {
	assert.equal(reconnectDelay(0, 0, false, 0), 0);
	assert.equal(reconnectDelay(0, 0, false, 1), 500);
	assert.equal(reconnectDelay(2, 0, false, 0.5), 1000);
	for (const failures of [3, 10, 1e9]) assert.equal(reconnectDelay(failures, 0, false, 1), 4000);
});

test("it waits longer after ten minutes and in a hidden tab", () => {
	assert.equal(reconnectDelay(20, 600_001, false, 1), 30_000);
	assert.equal(reconnectDelay(20, 0, true, 1), 30_000);
	assert.equal(reconnectDelay(20, 600_000, false, 1), 4000);
});
