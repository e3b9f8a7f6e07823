/**
 * The agent's side of the desk: what I do, who is offered to me.
 *
 * The desk is asked gently: every few seconds, and at once when something happened that may concern me (`prod`).
 * Nothing here holds a timer of its own; whoever owns it calls `tick` once a second.
 */

import type { DeskAgent, Presence, Reservation } from "../wire/desk";
import { Problem } from "../wire/http";

export interface Offer extends Reservation {
  /** When it runs out, in milliseconds of `now`. */
  readonly endsAt: number;
}

/** What became of an offer that is no longer there, or of a call that is somebody else's now. */
export type OfferFate = "expired" | "taken" | "closed" | "refused" | "moved" | "passed_on" | "consult_over" | "lost";

export interface DeskSnapshot {
  readonly state: "asking" | "open" | "absent";
  /** Null for whom the desk does not know yet. */
  readonly agent: DeskAgent | null;
  readonly presence: Presence;
  /** When after-call work ends by itself, in milliseconds of `now`. */
  readonly readyAt: number | null;
  readonly offer: Offer | null;
  readonly fate: OfferFate | null;
  /** Whether the desk signed this agent off because no console showed life. */
  readonly lapsed: boolean;
  readonly doing: "presence" | "accept" | "decline" | null;
  readonly problem: Problem | null;
}

export interface DeskPorts {
  readonly fetchMe: () => Promise<DeskAgent | null>;
  readonly fetchReservation: () => Promise<Reservation | null>;
  readonly setPresence: (presence: Presence) => Promise<void>;
  readonly showLife: () => Promise<void>;
  readonly accept: (offer: string) => Promise<void>;
  readonly decline: (offer: string) => Promise<void>;
  /** Milliseconds of a steady clock. */
  readonly now: () => number;
}

/** Well within the desk's lease, which is a minute unless its file says otherwise. */
const LIFE_EVERY_MS = 15_000;
/** How often the desk is asked, by what the agent does. */
const ASK_EVERY_MS: Readonly<Record<Presence, number>> = {
  ready: 2_000,
  busy: 3_000,
  after_call: 3_000,
  break: 6_000,
  offline: 6_000,
};
/** An offer that vanishes this close to its end has run out. */
const NEARLY_OVER_MS = 2_500;
const FATE_SHOWN_MS = 8_000;

const FATES: Readonly<Record<string, OfferFate | undefined>> = {
  "offer.expired": "expired",
  "offer.taken": "taken",
  "offer.closed": "closed",
  "offer.unknown": "closed",
  "offer.not_yours": "closed",
};

export class Desk {
  readonly #ports: DeskPorts;
  readonly #listeners = new Set<() => void>();
  #askedAt = -Infinity;
  #livedAt = -Infinity;
  #fateAt = 0;
  #asking = false;
  /** What this page has answered itself, so that its vanishing tells nothing new. */
  #answered: string | null = null;
  #snapshot: DeskSnapshot = {
    state: "asking",
    agent: null,
    presence: "offline",
    readyAt: null,
    offer: null,
    fate: null,
    lapsed: false,
    doing: null,
    problem: null,
  };

  constructor(ports: DeskPorts) {
    this.#ports = ports;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly snapshot = (): DeskSnapshot => this.#snapshot;

  /** A second has passed. */
  async tick(): Promise<void> {
    const now = this.#ports.now();
    const { state, presence, fate } = this.#snapshot;
    if (state === "absent") return;
    if (fate !== null && now - this.#fateAt >= FATE_SHOWN_MS) this.#publish({ fate: null });
    if (presence !== "offline" && now - this.#livedAt >= LIFE_EVERY_MS) {
      this.#livedAt = now;
      // A desk that cannot be reached is noticed by the asking below.
      void this.#ports.showLife().catch(() => undefined);
    }
    if (now - this.#askedAt >= ASK_EVERY_MS[presence]) await this.refresh();
  }

  /** Something happened on the line of calls: whoever is ready asks at once whether it concerns them. */
  prod(): void {
    const { presence, offer } = this.#snapshot;
    if ((presence === "ready" || offer !== null) && this.#ports.now() - this.#askedAt > 250) void this.refresh();
  }

  /** Ask the desk what is true now. */
  async refresh(): Promise<void> {
    if (this.#asking) return;
    this.#asking = true;
    this.#askedAt = this.#ports.now();
    try {
      let agent = await this.#ports.fetchMe();
      const found = agent?.reservation == null ? null : await this.#ports.fetchReservation();
      // The offer went between the two questions: what became of it is known only now.
      if (agent?.reservation != null && found === null) agent = await this.#ports.fetchMe();
      this.#take(agent, found);
    } catch (error) {
      if (error instanceof Problem && error.code === "desk.absent") this.#publish({ state: "absent" });
      // Else the next round asks again; the banner of the live link says that the server is out of reach.
    } finally {
      this.#asking = false;
    }
  }

  /** Say what I do from now on. */
  async setPresence(presence: Presence): Promise<boolean> {
    return await this.#act("presence", async () => {
      await this.#ports.setPresence(presence);
      this.#publish({ presence, lapsed: false });
    });
  }

  /** Take the caller who is offered; answers the call, or null where it was refused. */
  async accept(): Promise<string | null> {
    const { offer } = this.#snapshot;
    if (offer === null || this.#snapshot.doing !== null) return null;
    const taken = await this.#act("accept", async () => {
      await this.#ports.accept(offer.offer);
      this.#answered = offer.offer;
      this.#publish({ offer: null });
    });
    return taken ? offer.call : null;
  }

  async decline(): Promise<void> {
    const { offer } = this.#snapshot;
    if (offer === null || this.#snapshot.doing !== null) return;
    await this.#act("decline", async () => {
      await this.#ports.decline(offer.offer);
      this.#answered = offer.offer;
      this.#publish({ offer: null });
    });
  }

  /** The caller whom this page spoke with is not mine any more. */
  tellGone(fate: "moved" | "passed_on" | "consult_over" | "lost"): void {
    this.#fateAt = this.#ports.now();
    this.#publish({ fate });
  }

  /** It has ended, and went nowhere. */
  takeBackMoved(): void {
    if (this.#snapshot.fate === "moved") this.#publish({ fate: null });
  }

  async #act(doing: NonNullable<DeskSnapshot["doing"]>, work: () => Promise<void>): Promise<boolean> {
    this.#publish({ doing, problem: null, fate: null });
    try {
      await work();
      this.#publish({ doing: null });
      void this.refresh();
      return true;
    } catch (error) {
      const problem = error instanceof Problem ? error : new Problem(0, "console.failed", String(error));
      const fate = doing === "presence" ? null : (FATES[problem.code] ?? "refused");
      if (fate !== null) this.#fateAt = this.#ports.now();
      const lost = fate !== null && fate !== "refused";
      this.#publish({ doing: null, problem, fate, ...(lost ? { offer: null } : {}) });
      void this.refresh();
      return false;
    }
  }

  #take(agent: DeskAgent | null, found: Reservation | null): void {
    const now = this.#ports.now();
    const before = this.#snapshot;
    // While an act is under way its own answer decides, not one that may be older.
    if (before.doing !== null) return;
    const presence = agent?.presence ?? "offline";
    const readyAt = agent?.ready_in_s == null ? null : now + 1000 * agent.ready_in_s;
    const fresh = found !== null && found.offer !== this.#answered;
    const offer = fresh ? keepEnd(before.offer, found, now) : null;
    const gone = before.offer !== null && before.offer.offer !== offer?.offer;
    // Another offer makes what became of the one before old news.
    const another = offer !== null && offer.offer !== before.offer?.offer;
    const fate = another ? null : gone ? fateOf(before.offer, agent, now) : before.fate;
    if (gone) this.#fateAt = now;
    const signedOff = presence === "offline" && before.presence !== "offline" && before.state === "open";
    this.#publish({ state: "open", agent, presence, readyAt, offer, fate, lapsed: signedOff || (before.lapsed && presence === "offline") });
  }

  #publish(change: Partial<DeskSnapshot>): void {
    this.#snapshot = { ...this.#snapshot, ...change };
    for (const listener of this.#listeners) listener();
  }
}

/** The offer with its end; that of an offer known already stays, so that the count does not stutter. */
function keepEnd(before: Offer | null, found: Reservation, now: number): Offer {
  const endsAt = before?.offer === found.offer ? before.endsAt : now + 1000 * found.remaining_s;
  return { ...found, endsAt };
}

function fateOf(offer: Offer, agent: DeskAgent | null, now: number): OfferFate {
  if (agent?.calls.includes(offer.call) === true) return "taken";
  return offer.endsAt - now < NEARLY_OVER_MS ? "expired" : "closed";
}
