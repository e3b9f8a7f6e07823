/** A websocket without a network. */

import { vi } from "vitest";
import type { LinkPorts, Socket } from "../wire/link";
import type { ClientMessage } from "../wire/protocol";

export class FakeSocket implements Socket {
  onopen: (() => void) | null = null;
  onmessage: ((event: { readonly data: unknown }) => void) | null = null;
  onclose: (() => void) | null = null;
  readonly sent: ClientMessage[] = [];
  closed = false;

  constructor(readonly ticket: string) {}

  send(text: string): void {
    this.sent.push(JSON.parse(text) as ClientMessage);
  }

  close(): void {
    this.closed = true;
  }

  accept(): void {
    this.onopen?.();
  }

  say(message: object | string): void {
    this.onmessage?.({ data: typeof message === "string" ? message : JSON.stringify(message) });
  }

  /** The other side goes away. */
  vanish(): void {
    this.onclose?.();
  }
}

/** Ports whose tickets are numbered and whose sockets are kept for inspection. */
export function fakePorts() {
  const sockets: FakeSocket[] = [];
  const ticket = vi.fn(() => Promise.resolve(`t${ticket.mock.calls.length}`));
  const ports: LinkPorts = {
    ticket,
    open: (value) => {
      const socket = new FakeSocket(value);
      sockets.push(socket);
      return socket;
    },
    random: () => 1,
  };
  /** Let promises run, then answer the newest socket. */
  const newest = async (): Promise<FakeSocket> => {
    await vi.advanceTimersByTimeAsync(0);
    const socket = sockets.at(-1);
    if (socket === undefined) throw new Error("No socket was opened.");
    return socket;
  };
  return { ports, sockets, ticket, newest };
}
