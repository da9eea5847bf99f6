/**
 * The frames of the protocol `ytarchive.progress.v2`, as the server sends them. All other types stand
 * as JSDoc beside what they describe. No browser loads this file.
 */

/** How far a download is; null: unknown. */
interface Progress {
	/** 0 to 100, of the whole download. */
	percent: number | null;
	downloaded_bytes: number | null;
	total_bytes: number | null;
	/** Bytes per second. */
	speed: number | null;
	/** Seconds. */
	eta: number | null;
	/** "video", "audio", "merging", … */
	phase: string | null;
}

/** A progress, status or changed object. What it leaves out is unchanged. */
interface VideoMessage extends Partial<Progress> {
	type: "progress" | "status" | "changed";
	video_id: string;
	/** Which run of the download it is about, from 1. */
	attempt?: number;
	status?: string;
	/** The id of the newest event; status and changed objects carry it. */
	rev?: number;
}

/** Every active video: the first frame of a connection, and the answer to a resync. */
interface SnapshotFrame {
	type: "snapshot";
	/** Names one uninterrupted run of the bridge; `seq` counts within it. */
	epoch: string;
	seq: number;
	/** The id of the newest event. */
	rev: number;
	videos: VideoMessage[];
}

/** What has changed in the ticks `from` to `seq`; a heartbeat has no messages. */
interface BatchFrame {
	type: "batch";
	epoch: string;
	from: number;
	seq: number;
	messages: VideoMessage[];
}

/** What a request for these cards would answer; sent to pages that asked for cards. */
interface CardsFrame {
	type: "cards";
	/** The id of the newest event when they were read. */
	rev: number;
	ids: string[];
	html: string;
}

/** A frame of downloads; single messages come without the subprotocol only. */
type ProgressFrame = SnapshotFrame | BatchFrame | VideoMessage;

/** A text of the WebSocket. */
type Frame = ProgressFrame | CardsFrame;
