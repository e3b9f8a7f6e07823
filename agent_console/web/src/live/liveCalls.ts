/**
 * The calls as the live page sees them: the list, and the one that is watched.
 *
 * Positions are kept per call. After a lost connection the watch resumes behind the last event applied; where a gap
 * shows nevertheless, what is missing is fetched over HTTP before anything later is applied.
 */

import type { CallSummary, WireEvent } from "../wire/events";
import { fold } from "../wire/fold";
import { Link, type LinkPorts, type LinkState } from "../wire/link";
import type { ServerMessage } from "../wire/protocol";
import { emptyView, type CallView } from "../wire/state";

export interface ListedCall {
  readonly summary: CallSummary;
  /** When the summary came, for counting a live call's time onwards; milliseconds of `now`. */
  readonly receivedAt: number;
}

export interface LiveSnapshot {
  readonly link: LinkState;
  /** Whether the link has been open before: then a link that is not open is a lost one. */
  readonly wasOpen: boolean;
  /** Whether the whole list has come. */
  readonly listed: boolean;
  readonly calls: ReadonlyMap<string, ListedCall>;
  readonly watched: string | null;
  readonly view: CallView | null;
  /** Whether the watched view holds everything there is; what comes now is new. */
  readonly caughtUp: boolean;
  /** Set for a while after a lost connection came back: how many events were made up for. */
  readonly resumed: { readonly events: number } | null;
  readonly problem: { readonly code: string; readonly message: string } | null;
}

export interface LiveCallsPorts extends LinkPorts {
  readonly fetchEvents: (call: string, after: number) => Promise<readonly WireEvent[]>;
  /** Milliseconds of a steady clock. */
  readonly now: () => number;
}

const KEPT_VIEWS = 8;
const MOST_PENDING = 2_000;
const RESUMED_SHOWN_MS = 8_000;

export class LiveCalls {
  readonly #ports: LiveCallsPorts;
  readonly #link: Link;
  readonly #listeners = new Set<() => void>();
  /** Views of calls watched lately, so that coming back resumes instead of starting over. */
  readonly #views = new Map<string, CallView>();
  /** Events that wait until a gap before them is filled; null while there is none. */
  #pending: WireEvent[] | null = null;
  /** Events applied since the link came back; null when not resuming. */
  #madeUp: number | null = null;
  #shownUntil: ReturnType<typeof setTimeout> | undefined;
  #snapshot: LiveSnapshot = {
    link: { name: "idle" },
    wasOpen: false,
    listed: false,
    calls: new Map(),
    watched: null,
    view: null,
    caughtUp: false,
    resumed: null,
    problem: null,
  };

  constructor(ports: LiveCallsPorts) {
    this.#ports = ports;
    this.#link = new Link(ports, {
      changed: (link) => this.#linkChanged(link),
      opened: () => this.#opened(),
      received: (message) => this.#received(message),
    });
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly snapshot = (): LiveSnapshot => this.#snapshot;

  start(): void {
    this.#link.start();
  }

  stop(): void {
    clearTimeout(this.#shownUntil);
    this.#link.stop();
  }

  /** The network is gone or back, as far as the browser can tell. */
  networkChanged(online: boolean): void {
    if (online) this.#link.hurry();
    else this.#link.lose();
  }

  /** Try again now instead of at the end of the wait. */
  retryNow(): void {
    this.#link.hurry();
  }

  /** Show a call, or none. */
  watch(call: string | null): void {
    const before = this.#snapshot.watched;
    if (call === before) return;
    if (before !== null) this.#link.send({ op: "unwatch", call: before });
    this.#pending = null;
    this.#madeUp = null;
    if (call === null) {
      this.#publish({ watched: null, view: null, caughtUp: false, problem: null });
      return;
    }
    const view = this.#views.get(call) ?? emptyView(call);
    this.#publish({ watched: call, view, caughtUp: false, problem: null });
    this.#link.send({ op: "watch", call, after: view.lastSeq });
  }

  #linkChanged(link: LinkState): void {
    if (link.name === "open") {
      this.#publish({ link });
      return;
    }
    // What waited for a gap to be filled comes again with the resumed watch.
    this.#pending = null;
    this.#publish({ link, wasOpen: this.#snapshot.wasOpen || this.#snapshot.link.name === "open", caughtUp: false });
  }

  #opened(): void {
    const { watched, view, wasOpen } = this.#snapshot;
    this.#madeUp = wasOpen ? 0 : null;
    this.#link.send({ op: "list" });
    if (watched !== null) this.#link.send({ op: "watch", call: watched, after: view?.lastSeq ?? -1 });
  }

  #received(message: ServerMessage): void {
    switch (message.op) {
      case "calls": {
        const receivedAt = this.#ports.now();
        const calls = new Map(message.calls.map((summary) => [summary.call, { summary, receivedAt }]));
        this.#publish({ calls, listed: true });
        if (this.#snapshot.watched === null) this.#announceResumed();
        break;
      }
      case "call": {
        const calls = new Map(this.#snapshot.calls);
        calls.set(message.call.call, { summary: message.call, receivedAt: this.#ports.now() });
        this.#publish({ calls });
        break;
      }
      case "events":
        if (message.call === this.#snapshot.watched) this.#take(message.events);
        break;
      case "caught_up":
        if (message.call === this.#snapshot.watched) this.#caughtUp(message.last_seq);
        break;
      case "error":
        this.#refused(message.code, message.message, message.call);
        break;
      case "pong":
        break;
    }
  }

  #take(events: readonly WireEvent[]): void {
    const view = this.#snapshot.view;
    if (view === null) return;
    if (this.#pending !== null) {
      // Beyond the bound they are fetched again instead of kept.
      if (this.#pending.length + events.length <= MOST_PENDING) this.#pending.push(...events);
      return;
    }
    const folded = fold(view, events);
    if (this.#madeUp !== null) this.#madeUp += folded.applied;
    if (folded.applied > 0) this.#keep(folded.view);
    if (folded.outcome === "gap") this.#fill(folded.view, events);
  }

  #caughtUp(lastSeq: number): void {
    const view = this.#snapshot.view;
    if (view === null || this.#pending !== null) return;
    if (view.lastSeq < lastSeq) {
      this.#fill(view, []);
      return;
    }
    this.#announceResumed();
    this.#publish({ caughtUp: true });
  }

  /** Fetch what is missing behind `view`, then apply what came meanwhile. */
  #fill(view: CallView, events: readonly WireEvent[]): void {
    const waiting = [...events];
    this.#pending = waiting;
    this.#ports.fetchEvents(view.call, view.lastSeq).then(
      (missing) => {
        if (this.#pending !== waiting) return;
        this.#pending = null;
        if (missing.length === 0) {
          // The server has not got it either; a fresh watch tells what is true.
          this.#link.lose();
          return;
        }
        this.#take([...missing, ...waiting]);
        // Says so where nothing is missing any more, and waits for the next filling where something is.
        this.#caughtUp(this.#snapshot.view?.lastSeq ?? -1);
      },
      () => {
        if (this.#pending === waiting) this.#link.lose();
      },
    );
  }

  #refused(code: string, message: string, call: string | undefined): void {
    const { watched } = this.#snapshot;
    if (code === "journal.position" && call !== undefined && call === watched) {
      // The server knows less of the call than we do: it was restored. Its journal is the truth.
      const view = emptyView(call);
      this.#publish({ view, caughtUp: false });
      this.#link.send({ op: "watch", call, after: -1 });
      return;
    }
    this.#publish({ problem: { code, message } });
  }

  #keep(view: CallView): void {
    this.#views.delete(view.call);
    this.#views.set(view.call, view);
    if (this.#views.size > KEPT_VIEWS) {
      const oldest = this.#views.keys().next().value;
      if (oldest !== undefined) this.#views.delete(oldest);
    }
    this.#publish({ view });
  }

  #announceResumed(): void {
    if (this.#madeUp === null) return;
    const events = this.#madeUp;
    this.#madeUp = null;
    clearTimeout(this.#shownUntil);
    this.#shownUntil = setTimeout(() => this.#publish({ resumed: null }), RESUMED_SHOWN_MS);
    this.#publish({ resumed: { events } });
  }

  #publish(change: Partial<LiveSnapshot>): void {
    this.#snapshot = { ...this.#snapshot, ...change };
    for (const listener of this.#listeners) listener();
  }
}
