/** The cards on the page: which there are, and the server's own partials swapped in, many per request. */

/** @import { Card } from "./types.js" */

const JITTER = 1000;
const AT_ONCE = 50;

export class Cards {
  /** @type {Map<string, HTMLElement>} */
  elements = new Map();
  /** @type {Map<string, Card>} */
  shown = new Map();
  /** @type {Set<string>} */
  #wanted = new Set();
  #listWanted = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /** @param {string} url of the partials
   * @param {{ swapped: () => void, absent: (id: string) => void, announce: (words: string) => void }} page */
  constructor(url, page) {
    this.url = url;
    this.page = page;
    this.scan();
  }

  get list() {
    return /** @type {HTMLElement | null} */ (document.querySelector("[data-list]"));
  }

  /** Read anew what the page shows. */
  scan() {
    const found = /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-video-id]"));
    this.elements = new Map([...found].map((element) => [element.dataset.videoId ?? "", element]));
    this.shown = new Map(
      [...this.elements].map(([id, { dataset }]) => [
        id,
        { status: dataset.status ?? "", attempt: Number(dataset.attempt ?? 1) },
      ]),
    );
  }

  /** @param {Iterable<string>} ids */
  want(ids) {
    for (const id of ids) this.#wanted.add(id);
    if (this.list && this.#wanted.size > 2 * AT_ONCE) this.wantList();
    this.#schedule();
  }

  /** Everything may have changed. */
  wantList() {
    if (this.list) {
      this.#wanted.clear();
      this.#listWanted = true;
    } else for (const id of this.shown.keys()) this.#wanted.add(id);
    this.#schedule();
  }

  /** Fetch what is wanted, unless nobody looks: then when the tab is shown. */
  #schedule() {
    if (document.hidden || this.#timer || !(this.#listWanted || this.#wanted.size)) return;
    this.#timer = setTimeout(() => this.fetch(), Math.random() * JITTER);
  }

  async fetch() {
    clearTimeout(this.#timer);
    const [list, ids] = [this.#listWanted, [...this.#wanted].slice(0, AT_ONCE)];
    this.#listWanted = false;
    for (const id of ids) this.#wanted.delete(id);
    const answer = await this.#answer(
      list
        ? `${this.list?.dataset.list}${location.search}`
        : `${this.url}&${ids.map((id) => `id=${encodeURIComponent(id)}`).join("&")}`,
    );
    if (answer && list) this.#swapList(answer);
    else if (answer) this.#swapCards(answer, ids);
    else {
      this.#listWanted ||= list;
      for (const id of ids) this.#wanted.add(id);
    }
    this.#timer = answer ? undefined : setTimeout(() => this.fetch(), 5000);
    this.#schedule();
  }

  /** @param {string} url @returns {Promise<Document | null>} null: try again */
  async #answer(url) {
    const answer = await fetch(url).catch(() => null);
    if (!answer?.ok || answer.redirected) return null;
    return new DOMParser().parseFromString(await answer.text(), "text/html");
  }

  /** @param {Document} answer */
  #swapList(answer) {
    const fresh = answer.querySelector("[data-list]");
    if (fresh) keepingFocus(() => this.list?.replaceWith(fresh));
    this.#done(new Map(this.shown));
  }

  /** @param {Document} answer @param {string[]} ids */
  #swapCards(answer, ids) {
    const before = new Map(this.shown);
    keepingFocus(() => {
      for (const part of /** @type {NodeListOf<HTMLElement>} */ (answer.querySelectorAll("[data-part]"))) {
        const old = document.querySelector(`[data-part="${part.dataset.part}"]`);
        if (old && !old.isEqualNode(part)) old.replaceWith(part);
      }
      for (const id of ids) {
        const fresh = /** @type {HTMLElement | null} */ (
          answer.querySelector(`[data-video-id="${CSS.escape(id)}"]`)
        );
        if (!fresh) this.page.absent(id);
        place(this.elements.get(id), fresh);
      }
    });
    this.#done(before);
  }

  /** @param {Map<string, Card>} before */
  #done(before) {
    this.scan();
    for (const [id, { status }] of this.shown) {
      const element = this.elements.get(id);
      if (!element || status === before.get(id)?.status) continue;
      const [name, words] = ["[data-title]", "[data-state]"].map((part) =>
        element.querySelector(part)?.textContent?.trim(),
      );
      this.page.announce(`${name}: ${words}`);
    }
    this.page.swapped();
  }
}

/** Put `fresh` where it belongs, in the place of `old` if that is in the same list.
 * @param {HTMLElement | undefined} old @param {HTMLElement | null} fresh */
function place(old, fresh) {
  if (old && fresh?.dataset.place === old.dataset.place && fresh) return old.replaceWith(fresh);
  old?.remove();
  const list =
    fresh &&
    /** @type {HTMLElement | null} */ (document.querySelector(`[data-place-for="${fresh.dataset.place}"]`));
  if (!fresh || !list) return;
  const order = (/** @type {Element} */ element) =>
    Number(/** @type {HTMLElement} */ (element).dataset.order);
  list.insertBefore(fresh, [...list.children].find((other) => order(other) > order(fresh)) ?? null);
  while (list.children.length > Number(list.dataset.limit ?? Infinity)) list.lastElementChild?.remove();
}

/** Keep the keyboard where it was: on the same control of the same video. @param {() => void} swap */
function keepingFocus(swap) {
  const focused = document.activeElement;
  const id = /** @type {HTMLElement | null} */ (focused?.closest("[data-video-id]") ?? null)?.dataset.videoId;
  const index = id && focused ? controls(id).indexOf(focused) : -1;
  swap();
  if (id && !focused?.isConnected)
    /** @type {HTMLElement | undefined} */ (controls(id)[index] ?? controls(id)[0])?.focus();
}

/** @param {string} id */
const controls = (id) => [...document.querySelectorAll(`[data-video-id="${CSS.escape(id)}"] :is(a, button)`)];
