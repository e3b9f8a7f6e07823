/**
 * The websocket to the server, kept alive.
 *
 * A small state machine: each attempt fetches a new ticket (a ticket opens one socket), a lost socket is opened again
 * after a growing, jittered wait, and whoever listens is told when it opens so that it can say again what it watches.
 */

import { Problem } from "./http";
import { readMessage, type ClientMessage, type ServerMessage } from "./protocol";

export type LinkState =
  | { readonly name: "idle" }
  | { readonly name: "connecting"; readonly attempt: number }
  | { readonly name: "open" }
  | { readonly name: "waiting"; readonly attempt: number; readonly delayMs: number }
  | { readonly name: "signed_out" };

/** The part of a WebSocket that the link needs. */
export interface Socket {
  onopen: (() => void) | null;
  onmessage: ((event: { readonly data: unknown }) => void) | null;
  onclose: (() => void) | null;
  send(text: string): void;
  close(): void;
}

export interface LinkPorts {
  readonly ticket: () => Promise<string>;
  readonly open: (ticket: string) => Socket;
  /** In [0, 1). */
  readonly random: () => number;
}

export interface LinkListener {
  readonly changed: (state: LinkState) => void;
  /** The socket is open: say what is wanted. */
  readonly opened: () => void;
  readonly received: (message: ServerMessage) => void;
}

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15_000;
const PING_EVERY_MS = 15_000;
const PONG_WITHIN_MS = 8_000;
const OPEN_WITHIN_MS = 10_000;

/** The wait before attempt `attempt` (1 is the first retry): doubling, bounded, half of it random. */
export function backoffMs(attempt: number, random: number): number {
  const whole = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (attempt - 1));
  return Math.round(whole * (0.5 + 0.5 * random));
}

export class Link {
  #state: LinkState = { name: "idle" };
  #socket: Socket | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #heartbeat: ReturnType<typeof setTimeout> | undefined;
  #attempt = 0;
  #pings = 0;
  /** Rises with every attempt and with `stop`, so that a ticket that comes late is not used. */
  #round = 0;
  readonly #ports: LinkPorts;
  readonly #listener: LinkListener;

  constructor(ports: LinkPorts, listener: LinkListener) {
    this.#ports = ports;
    this.#listener = listener;
  }

  get state(): LinkState {
    return this.#state;
  }

  /** Begin; does nothing where the link is at work already. */
  start(): void {
    if (this.#state.name === "idle" || this.#state.name === "signed_out") this.#connect();
  }

  /** End for good; `start` begins anew. */
  stop(): void {
    this.#drop();
    this.#attempt = 0;
    this.#become({ name: "idle" });
  }

  /** The socket is of no use any more: close it and try again. */
  lose(): void {
    if (this.#state.name === "open" || this.#state.name === "connecting") this.#retry();
  }

  /** Do not wait any longer: try now. */
  hurry(): void {
    if (this.#state.name === "waiting") this.#connect();
  }

  /** Send where the link is open; what is wanted later is said in `opened`. */
  send(message: ClientMessage): void {
    if (this.#state.name === "open") this.#socket?.send(JSON.stringify(message));
  }

  #connect(): void {
    this.#drop();
    const round = this.#round;
    this.#become({ name: "connecting", attempt: this.#attempt });
    this.#timer = setTimeout(() => this.#retry(), OPEN_WITHIN_MS);
    this.#ports.ticket().then(
      (ticket) => {
        if (round === this.#round) this.#open(ticket);
      },
      (error: unknown) => {
        if (round !== this.#round) return;
        if (error instanceof Problem && error.status === 401) {
          this.#drop();
          this.#become({ name: "signed_out" });
        } else {
          this.#retry();
        }
      },
    );
  }

  #open(ticket: string): void {
    const socket = this.#ports.open(ticket);
    this.#socket = socket;
    socket.onopen = () => {
      clearTimeout(this.#timer);
      this.#become({ name: "open" });
      this.#beat();
      this.#listener.opened();
    };
    socket.onmessage = (event) => {
      const message = readMessage(event.data);
      if (message === null) return;
      // Only a message proves that the other side serves us; a handshake alone must not reset the wait.
      this.#attempt = 0;
      this.#beat();
      this.#listener.received(message);
    };
    socket.onclose = () => this.#retry();
  }

  #retry(): void {
    this.#drop();
    this.#attempt += 1;
    const delayMs = backoffMs(this.#attempt, this.#ports.random());
    this.#timer = setTimeout(() => this.#connect(), delayMs);
    this.#become({ name: "waiting", attempt: this.#attempt, delayMs });
  }

  /** Anything heard proves life; after a silence ask, and give up on a line that does not answer. */
  #beat(): void {
    clearTimeout(this.#heartbeat);
    this.#heartbeat = setTimeout(() => {
      this.#pings += 1;
      this.send({ op: "ping", id: this.#pings });
      this.#heartbeat = setTimeout(() => this.lose(), PONG_WITHIN_MS);
    }, PING_EVERY_MS);
  }

  #drop(): void {
    this.#round += 1;
    clearTimeout(this.#timer);
    clearTimeout(this.#heartbeat);
    const socket = this.#socket;
    this.#socket = null;
    if (socket !== null) {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close();
    }
  }

  #become(state: LinkState): void {
    this.#state = state;
    this.#listener.changed(state);
  }
}

/** The real ports: the ticket from the server, the socket of the browser. */
export function browserPorts(ticket: () => Promise<string>): LinkPorts {
  return {
    ticket,
    open: (value) => {
      const scheme = location.protocol === "https:" ? "wss" : "ws";
      return new WebSocket(`${scheme}://${location.host}/live?ticket=${encodeURIComponent(value)}`) as unknown as Socket;
    },
    random: Math.random,
  };
}
