import { beforeEach, describe, expect, it, vi } from "vitest";
import { fakePorts } from "../testing/socket";
import { Problem } from "./http";
import { backoffMs, Link, type LinkState } from "./link";
import type { ServerMessage } from "./protocol";

beforeEach(() => {
  vi.useFakeTimers();
  return () => vi.useRealTimers();
});

function made() {
  const fake = fakePorts();
  const states: LinkState["name"][] = [];
  const received: ServerMessage[] = [];
  const opened = vi.fn();
  const link = new Link(fake.ports, {
    changed: (state) => states.push(state.name),
    opened,
    received: (message) => received.push(message),
  });
  return { ...fake, link, states, received, opened };
}

describe("backoff", () => {
  it("doubles, keeps a bound, and spreads by half", () => {
    expect([1, 2, 3, 4].map((attempt) => backoffMs(attempt, 1))).toEqual([500, 1000, 2000, 4000]);
    expect(backoffMs(40, 1)).toBe(15_000);
    expect(backoffMs(3, 0)).toBe(1000);
  });
});

describe("link", () => {
  it("opens with a ticket and hands messages on", async () => {
    const { link, newest, states, received, opened } = made();
    link.start();
    const socket = await newest();
    expect(socket.ticket).toBe("t1");
    socket.accept();
    expect(states).toEqual(["connecting", "open"]);
    expect(opened).toHaveBeenCalledOnce();
    socket.say({ op: "caught_up", call: "c1", last_seq: 4 });
    expect(received).toEqual([{ op: "caught_up", call: "c1", last_seq: 4 }]);
  });

  it("fetches a new ticket for every attempt and waits longer each time", async () => {
    const { link, newest, sockets, ticket, states } = made();
    link.start();
    (await newest()).vanish();
    expect(states.at(-1)).toBe("waiting");
    await vi.advanceTimersByTimeAsync(499);
    expect(sockets).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    (await newest()).vanish();
    await vi.advanceTimersByTimeAsync(999);
    expect(sockets).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(1);
    expect(sockets.map((one) => one.ticket)).toEqual(["t1", "t2", "t3"]);
    expect(ticket).toHaveBeenCalledTimes(3);
  });

  it("starts the waits anew only once the server has spoken", async () => {
    const { link, newest } = made();
    link.start();
    (await newest()).vanish();
    await vi.advanceTimersByTimeAsync(500);
    const second = await newest();
    second.accept();
    second.vanish();
    expect(link.state).toMatchObject({ name: "waiting", delayMs: 1000 });
    await vi.advanceTimersByTimeAsync(1000);
    const third = await newest();
    third.accept();
    third.say({ op: "calls", calls: [] });
    third.vanish();
    expect(link.state).toMatchObject({ name: "waiting", delayMs: 500 });
  });

  it("tries again where the ticket cannot be had, and stops where the session is over", async () => {
    const { link, ticket, states } = made();
    ticket.mockRejectedValueOnce(new Problem(0, "network.unreachable", "down"));
    ticket.mockRejectedValueOnce(new Problem(401, "auth.required", "sign in"));
    link.start();
    await vi.advanceTimersByTimeAsync(0);
    expect(states.at(-1)).toBe("waiting");
    await vi.advanceTimersByTimeAsync(500);
    expect(states.at(-1)).toBe("signed_out");
    await vi.advanceTimersByTimeAsync(60_000);
    expect(ticket).toHaveBeenCalledTimes(2);
  });

  it("pings a silent line and gives it up when nothing answers", async () => {
    const { link, newest } = made();
    link.start();
    const socket = await newest();
    socket.accept();
    await vi.advanceTimersByTimeAsync(15_000);
    expect(socket.sent).toEqual([{ op: "ping", id: 1 }]);
    socket.say({ op: "pong", id: 1 });
    await vi.advanceTimersByTimeAsync(15_000);
    expect(socket.sent.at(-1)).toEqual({ op: "ping", id: 2 });
    expect(link.state.name).toBe("open");
    await vi.advanceTimersByTimeAsync(8_000);
    expect(socket.closed).toBe(true);
    expect(link.state.name).toBe("waiting");
  });

  it("gives up an attempt that neither opens nor fails", async () => {
    const { link, newest } = made();
    link.start();
    const socket = await newest();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(socket.closed).toBe(true);
    expect(link.state.name).toBe("waiting");
  });

  it("ignores what is no message, and sockets that it has given up", async () => {
    const { link, newest, received } = made();
    link.start();
    const socket = await newest();
    socket.accept();
    for (const noise of ["", "{", "[]", "null", '{"op":"events","call":"c1","events":[{"seq":"0"}]}', '{"op":"x"}']) {
      socket.say(noise);
    }
    expect(received).toEqual([]);
    const { onmessage } = socket;
    link.stop();
    onmessage?.({ data: '{"op":"pong","id":1}' });
    expect(link.state.name).toBe("idle");
  });

  it("uses no ticket that comes after the stop", async () => {
    const { link, sockets } = made();
    link.start();
    link.stop();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(sockets).toHaveLength(0);
  });
});
