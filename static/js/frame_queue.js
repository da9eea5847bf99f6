/** Drawing spread over animation frames: any number of elements, and no frame that takes long. */

/**
 * Create a queue that draws a bounded number of ids in each frame.
 *
 * An id that is added again before its turn is drawn once. Browsers hold frames back while the tab is
 * hidden, so nothing is drawn there.
 *
 * @param {(id: string) => void} drawId
 * @param {number} maxPerFrame
 */
export const createFrameQueue = (drawId, maxPerFrame) => {
	/** @type {Set<string>} */
	const pendingIds = new Set();

	const drawFrame = () => {
		for (const id of [...pendingIds].slice(0, maxPerFrame)) {
			pendingIds.delete(id);
			drawId(id);
		}
		if (pendingIds.size) requestAnimationFrame(drawFrame);
	};

	return {
		/** @param {Iterable<string>} ids */
		add(ids) {
			// With ids pending, a frame is requested already.
			if (!pendingIds.size) requestAnimationFrame(drawFrame);
			for (const id of ids) pendingIds.add(id);
		},
	};
};
