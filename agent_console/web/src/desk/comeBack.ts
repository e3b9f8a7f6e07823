/**
 * Brings this page's audio back onto the call that it serves, or is consulted on: after a reload, and after a connection
 * that broke for good.
 *
 * The server keeps the caller, or the consultation, with the agent for a while. Nothing here holds a timer of its own; whoever owns it calls
 * `tick` once a second.
 */

export type Reason = "reloaded" | "lost";

/** As what an agent is on a call: whoever is consulted serves the caller once they are handed over. */
export type Part = "serve" | "consult";

export interface Returning {
  readonly call: string;
  /** As what this page was on it, as far as it knows. */
  readonly as: Part;
  readonly why: Reason;
  /** How often it was tried. */
  readonly attempts: number;
}

export interface ComeBackPorts {
  /** As what I belong on a call; "none" where it is others', null before that is known. */
  readonly part: (call: string) => Part | "none" | null;
  /** Ask the desk anew. */
  readonly refresh: () => Promise<void>;
  /** Whether a line is being opened or stands. */
  readonly busy: () => boolean;
  /** Open the line. */
  readonly join: (call: string, as: Part) => Promise<void>;
  /** The caller is somebody else's by now, or the consultation is over. */
  readonly gone: (call: string, as: Part) => void;
  /** Milliseconds of a steady clock. */
  readonly now: () => number;
}

/** Least time from each attempt to the next; together they outlast what the server waits for an agent by default. */
const PAUSES_MS = [1_000, 2_000, 4_000, 6_000, 6_000] as const;

const STORED_AS = "warmline.on-call";

/** The call that this tab had audio of when it was left; it outlives a reload, not the tab. */
export function rememberedCall(): { readonly call: string; readonly as: Part } | null {
  const [as, call] = sessionStorage.getItem(STORED_AS)?.split(" ") ?? [];
  return call !== undefined && (as === "serve" || as === "consult") ? { call, as } : null;
}

export function rememberCall(call: string, as: Part): void {
  sessionStorage.setItem(STORED_AS, `${as} ${call}`);
}

export function forgetCall(): void {
  sessionStorage.removeItem(STORED_AS);
}

export class ComeBack {
  readonly #ports: ComeBackPorts;
  readonly #listeners = new Set<() => void>();
  #returning: Returning | null = null;
  #nextAt = 0;
  #trying = false;

  constructor(ports: ComeBackPorts) {
    this.#ports = ports;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly snapshot = (): Returning | null => this.#returning;

  /** Come back to a call, as soon as it is known that I belong there. */
  begin(call: string, why: Reason, as: Part): void {
    if (this.#returning?.call === call) return;
    this.#nextAt = this.#ports.now();
    this.#publish({ call, as, why, attempts: 0 });
  }

  /** The line stands again, or nobody wishes to come back any more. */
  end(): void {
    if (this.#returning !== null) this.#publish(null);
  }

  /** Time has passed. */
  async tick(): Promise<void> {
    const wanted = this.#returning;
    if (wanted === null || this.#trying || this.#ports.busy() || this.#ports.now() < this.#nextAt) return;
    this.#trying = true;
    try {
      await this.#ports.refresh();
      const part = this.#ports.part(wanted.call);
      // Somebody may have put the phone down while the desk was asked.
      if (part === null || this.#returning !== wanted) return;
      if (part === "none") {
        this.#publish(null);
        this.#ports.gone(wanted.call, wanted.as);
        return;
      }
      const pause = PAUSES_MS[wanted.attempts];
      if (pause === undefined) {
        // What is left is the button.
        this.#publish(null);
        return;
      }
      this.#nextAt = this.#ports.now() + pause;
      this.#publish({ ...wanted, as: part, attempts: wanted.attempts + 1 });
      await this.#ports.join(wanted.call, part);
    } finally {
      this.#trying = false;
    }
  }

  #publish(returning: Returning | null): void {
    this.#returning = returning;
    for (const listener of this.#listeners) listener();
  }
}
