/**
 * The frames of the protocol `ytarchive.progress.v2`, as the server sends them: the one set of types
 * that every module may need. All others stand as JSDoc beside what they describe. No browser loads
 * this file.
 */

/** A progress, status or changed object. Fields that it leaves out are unchanged; null is unknown. */
interface VideoMessage {
	type: "progress" | "status" | "changed";
	video_id: string;
	/** Which run of the download it is about, from 1. */
	attempt?: number;
	status?: string;
	/** 0 to 100, of the whole download. */
	percent?: number | null;
	downloaded_bytes?: number | null;
	total_bytes?: number | null;
	/** Bytes per second. */
	speed?: number | null;
	/** Seconds. */
	eta?: number | null;
	/** "video", "audio", "merging", … */
	phase?: string | null;
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

/** A text of the WebSocket; single messages come without the subprotocol only. */
type Frame = SnapshotFrame | BatchFrame | VideoMessage;

type Connection = "live" | "reconnecting" | "paused" | "polling";

/** How long to wait, in milliseconds; `random` from 0 to 1. */
type Delay = (failures: number, downFor: number, hidden: boolean, random: number) => number;

/** `wake`: the network or the person is back, look at once; `resync`: ask for a snapshot. */
type Connect = (
	url: string,
	snapshotUrl: string,
	page: Listener,
) => { wake(): void; resync(): void };

/** What the socket tells the page. */
interface Listener {
	/** Returns whether the frame is news. */
	frame(frame: Frame): boolean;
	state(state: Connection): void;
}

/** `url` of the partials; `absent`: the server does not have this id; `swapped`: the page shows other cards. */
type CreateCards = (
	url: string,
	page: { swapped(): void; absent(id: string): void },
) => {
	readonly shown: Shown;
	/** These cards may have changed. */
	want(ids: Iterable<string>, wait?: number): void;
	/** Anything may have changed. */
	wantAll(): void;
	/** See what the page shows now. */
	scan(): void;
};

/** What an element of the templates may be able to do. */
interface Part extends HTMLVideoElement {
	checked?: boolean;
	value: number;
	dateTime: string;
	name: string;
	showModal(): void;
	close(): void;
	reset(): void;
}
type Find = (selector: string, root?: ParentNode) => Part | null;
type FindAll = (selector: string, root?: ParentNode) => Part[];

/** What the page listens to comes from its elements. */
interface EventTarget {
	closest(selector: string): Part | null;
	blur(): void;
}

type Write = (selector: string, words: string, root?: ParentNode) => void;

type Pace = (pace: Pick<State, "speed" | "eta">, ...before: string[]) => string;

interface Window {
	/** Not in the admin. */
	htmx?: { process(element: Element): void };
}

/** What htmx tells of a swap, and the server of an action. */
interface WindowEventMap {
	"htmx:afterSettle": CustomEvent & { target: Part };
	"htmx:afterRequest": CustomEvent<{ xhr: XMLHttpRequest }>;
	acted: CustomEvent<{ ids: string[] }> & { target: Part };
}
