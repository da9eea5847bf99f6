/** The cards on the page, and the server's own partials swapped in: many per request, only while somebody looks. */

import { all, find } from "./page.js";

const JITTER = 1_000;
const AGAIN_AFTER = 5_000;
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

  /** @param {string} url of the partials @param {Keeper} page */
  constructor(url, page) {
    this.url = url;
    this.page = page;
    this.#scan();
  }

  #scan() {
    this.elements = new Map(all("[data-video-id]").map((element) => [element.dataset.videoId ?? "", element]));
    this.shown = new Map();
    for (const [id, { dataset }] of this.elements) {
      this.shown.set(id, { status: dataset.status ?? "", attempt: Number(dataset.attempt) });
    }
  }

  /** @param {Iterable<string>} ids */
  want(ids) {
    for (const id of ids) this.#wanted.add(id);
    if (this.#wanted.size > 2 * AT_ONCE) this.wantAll();
    else this.#schedule();
  }

  /** Anything may have changed. */
  wantAll() {
    this.#listWanted = Boolean(find("[data-list]"));
    this.#wanted = new Set(this.#listWanted ? [] : this.shown.keys());
    this.#schedule();
  }

  #schedule(wait = Math.random() * JITTER) {
    if (document.hidden || this.#timer || !(this.#listWanted || this.#wanted.size)) return;
    this.#timer = setTimeout(() => this.#fetch(), wait);
  }

  async #fetch() {
    const [list, ids] = [this.#listWanted && find("[data-list]"), [...this.#wanted].slice(0, AT_ONCE)];
    const asked = ids.map((id) => `&id=${encodeURIComponent(id)}`).join("");
    const answer = await fetch(list ? list.dataset.list + location.search : this.url + asked).catch(() => null);
    const fine = answer?.ok && !answer.redirected;
    if (fine) {
      this.#listWanted = false;
      for (const id of ids) this.#wanted.delete(id);
      this.#swap(new DOMParser().parseFromString(await answer.text(), "text/html"), list, ids);
    }
    this.#timer = undefined;
    this.#schedule(fine ? undefined : AGAIN_AFTER);
  }

  /** @param {Document} answer @param {HTMLElement | null | false} list @param {string[]} ids */
  #swap(answer, list, ids) {
    const before = this.shown;
    keepingFocus(() => {
      for (const part of all("[data-part]", answer)) {
        const old = find(`[data-part="${part.dataset.part}"]`);
        if (old && !old.isEqualNode(part)) old.replaceWith(part);
      }
      const fresh = find("[data-list]", answer);
      if (list && fresh) list.replaceWith(fresh);
      else for (const id of ids) this.#swapCard(id, find(`[data-video-id="${CSS.escape(id)}"]`, answer));
    });
    this.#scan();
    const news = [...this.shown].filter(([id, { status }]) => status !== before.get(id)?.status);
    const words = news.map(([id]) => ["title", "state"].map((part) => this.#text(id, part)).join(": "));
    if (words.length) this.page.announce(words.slice(0, 3).join(". "));
    this.page.swapped();
  }

  /** @param {string} id @param {HTMLElement | null} fresh */
  #swapCard(id, fresh) {
    if (!fresh) this.page.absent(id);
    const old = this.elements.get(id);
    if (old && fresh && fresh.dataset.place === old.dataset.place) return old.replaceWith(fresh);
    old?.remove();
    const list = find(`[data-place-for="${fresh?.dataset.place}"]`);
    if (fresh && list) insert(list, fresh);
  }

  /** @param {string} id @param {string} part */
  #text(id, part) {
    return find(`[data-${part}]`, this.elements.get(id))?.textContent?.trim();
  }
}

/** Put a card where its order wants it, and keep the list as long as a page. @param {HTMLElement} list @param {HTMLElement} card */
function insert(list, card) {
  const cards = /** @type {HTMLElement[]} */ ([...list.children]);
  const next = cards.find((other) => Number(other.dataset.order) > Number(card.dataset.order));
  list.insertBefore(card, next ?? null);
  while (list.children.length > Number(list.dataset.limit ?? Infinity)) list.lastElementChild?.remove();
}

/** Keep the keyboard on the same control of the same video. @param {() => void} swap */
function keepingFocus(swap) {
  const focused = document.activeElement;
  const card = /** @type {HTMLElement | null} */ (focused?.closest("[data-video-id]") ?? null);
  const controls = () => all(`[data-video-id="${card?.dataset.videoId}"] :is(a, button)`);
  const index = controls().indexOf(/** @type {HTMLElement} */ (focused));
  swap();
  if (card && !card.isConnected) (controls()[index] ?? controls()[0])?.focus();
}
