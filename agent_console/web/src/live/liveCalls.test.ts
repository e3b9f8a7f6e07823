import { beforeEach, describe, expect, it, vi } from "vitest";
import { Log, oneSentence, summary } from "../testing/events";
import { fakePorts } from "../testing/socket";
import type { WireEvent } from "../wire/events";
import { bannerKind } from "./Banner";
import { LiveCalls } from "./liveCalls";

beforeEach(() => {
  vi.useFakeTimers();
  return () => vi.useRealTimers();
});

const events = oneSentence();

function made() {
  const fake = fakePorts();
  const fetchEvents = vi.fn<(call: string, after: number) => Promise<readonly WireEvent[]>>(() => Promise.resolve([]));
  const live = new LiveCalls({ ...fake.ports, fetchEvents, now: () => 0 });
  return { ...fake, fetchEvents, live, banner: () => bannerKind(live.snapshot()) };
}

async function watching(upTo: number) {
  const all = made();
  all.live.start();
  all.live.watch("c1");
  const socket = await all.newest();
  socket.accept();
  socket.say({ op: "calls", calls: [summary()] });
  socket.say({ op: "events", call: "c1", events: events.slice(0, upTo) });
  socket.say({ op: "caught_up", call: "c1", last_seq: upTo - 1 });
  return { ...all, socket };
}

describe("watching", () => {
  it("asks for the list and for the whole call, and folds what comes", async () => {
    const { live, socket } = await watching(4);
    expect(socket.sent).toEqual([{ op: "list" }, { op: "watch", call: "c1", after: -1 }]);
    expect(live.snapshot()).toMatchObject({ listed: true, caughtUp: true, view: { lastSeq: 3 } });
  });

  it("changes one call of the list at a time", async () => {
    const { live, socket } = await watching(1);
    socket.say({ op: "call", call: summary({ call: "c2", priority: 60 }) });
    socket.say({ op: "call", call: summary({ priority: 10 }) });
    const calls = [...live.snapshot().calls.values()].map((one) => [one.summary.call, one.summary.priority]);
    expect(calls).toEqual([
      ["c1", 10],
      ["c2", 60],
    ]);
  });

  it("leaves a call and comes back to it behind the last event", async () => {
    const { live, socket } = await watching(4);
    live.watch("c2");
    socket.say({ op: "events", call: "c1", events: events.slice(4) });
    expect(live.snapshot().view).toMatchObject({ call: "c2", lastSeq: -1 });
    live.watch("c1");
    expect(socket.sent.slice(2)).toEqual([
      { op: "unwatch", call: "c1" },
      { op: "watch", call: "c2", after: -1 },
      { op: "unwatch", call: "c2" },
      { op: "watch", call: "c1", after: 3 },
    ]);
  });

  it("starts over where the server knows less than the console", async () => {
    const { live, socket } = await watching(4);
    socket.say({ op: "error", code: "journal.position", message: "from the future", call: "c1" });
    expect(live.snapshot().view?.lastSeq).toBe(-1);
    expect(socket.sent.at(-1)).toEqual({ op: "watch", call: "c1", after: -1 });
  });
});

describe("a lost connection", () => {
  it("shows a banner, resumes behind the last event, and says how many it made up for", async () => {
    const { live, socket, newest, banner } = await watching(4);
    expect(banner()).toBe("none");
    socket.vanish();
    expect(banner()).toBe("lost");
    await vi.advanceTimersByTimeAsync(500);
    const second = await newest();
    expect(second.ticket).toBe("t2");
    second.accept();
    expect(second.sent).toEqual([{ op: "list" }, { op: "watch", call: "c1", after: 3 }]);
    second.say({ op: "events", call: "c1", events: events.slice(2, 6) });
    second.say({ op: "events", call: "c1", events: events.slice(6) });
    second.say({ op: "caught_up", call: "c1", last_seq: 8 });
    expect(live.snapshot()).toMatchObject({ resumed: { events: 5 }, view: { lastSeq: 8 } });
    expect(banner()).toBe("resumed");
    await vi.advanceTimersByTimeAsync(8_000);
    expect(banner()).toBe("none");
  });

  it("tells a first connection that does not come from one that was lost", async () => {
    const { live, newest, banner } = made();
    live.start();
    expect(banner()).toBe("none");
    (await newest()).vanish();
    expect(banner()).toBe("unreachable");
  });

  it("follows the browser when it says that the network is gone or back", async () => {
    const { live, socket, sockets, newest, banner } = await watching(2);
    live.networkChanged(false);
    expect(socket.closed).toBe(true);
    expect(banner()).toBe("lost");
    live.networkChanged(true);
    await newest();
    expect(sockets).toHaveLength(2);
  });
});

describe("a gap", () => {
  it("is filled over HTTP before anything later is applied", async () => {
    const { live, socket, fetchEvents } = await watching(3);
    let answer: (missing: readonly WireEvent[]) => void = () => undefined;
    fetchEvents.mockReturnValueOnce(new Promise((resolve) => (answer = resolve)));
    socket.say({ op: "events", call: "c1", events: events.slice(5, 7) });
    expect(fetchEvents).toHaveBeenCalledWith("c1", 2);
    socket.say({ op: "events", call: "c1", events: events.slice(7) });
    expect(live.snapshot().view?.lastSeq).toBe(2);
    answer(events.slice(3, 6));
    await vi.advanceTimersByTimeAsync(0);
    expect(live.snapshot().view?.lastSeq).toBe(8);
    expect(fetchEvents).toHaveBeenCalledOnce();
  });

  it("that shows only at the end is filled too", async () => {
    const { live, socket, fetchEvents } = await watching(3);
    fetchEvents.mockResolvedValueOnce(events.slice(3));
    socket.say({ op: "caught_up", call: "c1", last_seq: 8 });
    await vi.advanceTimersByTimeAsync(0);
    expect(live.snapshot()).toMatchObject({ view: { lastSeq: 8 }, caughtUp: true });
  });

  it("that cannot be filled loses the connection and resumes", async () => {
    const { live, socket, sockets, fetchEvents, newest } = await watching(3);
    fetchEvents.mockRejectedValueOnce(new Error("down"));
    socket.say({ op: "events", call: "c1", events: events.slice(5) });
    await vi.advanceTimersByTimeAsync(500);
    const second = await newest();
    second.accept();
    expect(sockets).toHaveLength(2);
    expect(second.sent).toContainEqual({ op: "watch", call: "c1", after: 2 });
    second.say({ op: "events", call: "c1", events: events.slice(3) });
    expect(live.snapshot().view?.lastSeq).toBe(8);
  });

  it("of a call that is no longer watched is forgotten", async () => {
    const { live, socket, fetchEvents } = await watching(3);
    fetchEvents.mockResolvedValueOnce(events.slice(3));
    socket.say({ op: "events", call: "c1", events: events.slice(5) });
    live.watch("c2");
    await vi.advanceTimersByTimeAsync(0);
    expect(live.snapshot().view).toMatchObject({ call: "c2", lastSeq: -1 });
    const other = new Log("c2").add("call.held", { by: "agent" }).events;
    socket.say({ op: "events", call: "c2", events: other });
    expect(live.snapshot().view).toMatchObject({ call: "c2", lastSeq: 0 });
  });
});
