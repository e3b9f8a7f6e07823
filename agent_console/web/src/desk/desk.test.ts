import { expect, it, vi } from "vitest";
import type { DeskAgent, Presence, Reservation } from "../wire/desk";
import { Problem } from "../wire/http";
import { Desk } from "./desk";
import { subjectOf } from "./subject";

const agent = (change: Partial<DeskAgent> = {}): DeskAgent => ({
  agent: "lin",
  name: "林晓",
  skills: {},
  languages: ["zh"],
  capacity: 1,
  presence: "ready",
  reservation: null,
  calls: [],
  ready_in_s: null,
  ...change,
});

const reservation = (change: Partial<Reservation> = {}): Reservation => ({
  offer: "o1",
  call: "c1",
  ticket: "c1.h1",
  queue: "general",
  priority: 40,
  remaining_s: 15,
  callback: false,
  attempts: 0,
  waited_s: 4,
  ...change,
});

/** A desk whose server is two variables. */
function made() {
  const server = { agent: agent() as DeskAgent | null, reservation: null as Reservation | null, now: 0 };
  const ports = {
    fetchMe: vi.fn(() => Promise.resolve(server.agent)),
    fetchReservation: vi.fn(() => Promise.resolve(server.reservation)),
    setPresence: vi.fn<(presence: Presence) => Promise<void>>(() => Promise.resolve()),
    showLife: vi.fn(() => Promise.resolve()),
    accept: vi.fn<(offer: string) => Promise<void>>(() => Promise.resolve()),
    decline: vi.fn<(offer: string) => Promise<void>>(() => Promise.resolve()),
    now: () => server.now,
  };
  const desk = new Desk(ports);
  const offer = (change: Partial<Reservation> = {}): void => {
    server.reservation = reservation(change);
    server.agent = agent({ reservation: server.reservation.offer });
  };
  const withdraw = (change: Partial<DeskAgent> = {}): void => {
    server.reservation = null;
    server.agent = agent(change);
  };
  /** Let so many seconds pass, one by one. */
  const pass = async (seconds: number): Promise<void> => {
    for (let n = 0; n < seconds; n += 1) {
      server.now += 1000;
      await desk.tick();
    }
  };
  return { desk, ports, server, offer, withdraw, pass };
}

it("asks for the reservation only where there is one, and counts down from what was first said", async () => {
  const { desk, ports, offer, server, pass } = made();
  await desk.refresh();
  expect(ports.fetchReservation).not.toHaveBeenCalled();
  offer();
  await pass(2);
  expect(desk.snapshot().offer).toMatchObject({ call: "c1", endsAt: 17_000 });
  server.reservation = reservation({ remaining_s: 14 });
  await pass(2);
  expect(desk.snapshot().offer?.endsAt).toBe(17_000);
});

it("shows life while it is signed in, and none while it is not", async () => {
  const { desk, ports, server, pass } = made();
  await desk.refresh();
  await pass(46);
  expect(ports.showLife).toHaveBeenCalledTimes(4);
  server.agent = agent({ presence: "offline" });
  await desk.refresh();
  await pass(40);
  expect(ports.showLife).toHaveBeenCalledTimes(4);
});

it("asks at once when prodded, but not where no caller could be for it", async () => {
  const { desk, ports, server } = made();
  await desk.refresh();
  server.now += 300;
  desk.prod();
  expect(ports.fetchMe).toHaveBeenCalledTimes(2);
  await vi.waitFor(() => expect(desk.snapshot().state).toBe("open"));
  server.agent = agent({ presence: "break" });
  server.now += 300;
  await desk.refresh();
  server.now += 300;
  desk.prod();
  expect(ports.fetchMe).toHaveBeenCalledTimes(3);
});

it("answers an offer once, and is not shown it again by an answer that is older", async () => {
  const { desk, ports, offer, server } = made();
  offer();
  await desk.refresh();
  expect(await desk.accept()).toBe("c1");
  expect(ports.accept).toHaveBeenCalledWith("o1");
  await desk.refresh();
  expect(desk.snapshot()).toMatchObject({ offer: null, fate: null });
  expect(await desk.accept()).toBeNull();
  expect(server.reservation).not.toBeNull();
});

it.each([
  ["offer.expired", "expired"],
  ["offer.taken", "taken"],
  ["offer.closed", "closed"],
])("names %s as %s and takes the offer away", async (code, fate) => {
  const { desk, ports, offer, withdraw } = made();
  offer();
  await desk.refresh();
  ports.accept.mockRejectedValueOnce(new Problem(409, code, "no"));
  withdraw();
  expect(await desk.accept()).toBeNull();
  expect(desk.snapshot()).toMatchObject({ offer: null, fate });
});

it("keeps an offer whose acceptance never reached the server, so that it can be tried again", async () => {
  const { desk, ports, offer } = made();
  offer();
  await desk.refresh();
  ports.accept.mockRejectedValueOnce(new Problem(0, "network.unreachable", "down"));
  expect(await desk.accept()).toBeNull();
  expect(desk.snapshot()).toMatchObject({ fate: "refused", offer: { offer: "o1" } });
  expect(await desk.accept()).toBe("c1");
});

it("tells whether an offer ran out, was taken in another window, or is gone", async () => {
  for (const [seconds, calls, fate] of [
    [15, [], "expired"],
    [2, ["c1"], "taken"],
    [2, [], "closed"],
  ] as const) {
    const { desk, offer, withdraw, pass } = made();
    offer();
    await desk.refresh();
    await pass(seconds - 1);
    withdraw({ calls });
    await pass(2);
    expect(desk.snapshot()).toMatchObject({ offer: null, fate });
    await pass(10);
    expect(desk.snapshot().fate).toBeNull();
  }
});

it("notices that it was signed off, which it did not wish", async () => {
  const { desk, server } = made();
  await desk.refresh();
  server.agent = agent({ presence: "offline" });
  await desk.refresh();
  expect(desk.snapshot()).toMatchObject({ presence: "offline", lapsed: true });
  server.agent = agent();
  await desk.setPresence("ready");
  expect(desk.snapshot().lapsed).toBe(false);
});

it("takes its own sign-off for what it is", async () => {
  const { desk, server } = made();
  await desk.refresh();
  server.agent = agent({ presence: "offline" });
  await desk.setPresence("offline");
  await desk.refresh();
  expect(desk.snapshot().lapsed).toBe(false);
});

it("is still where a server keeps no desk", async () => {
  const { desk, ports, pass } = made();
  ports.fetchMe.mockRejectedValue(new Problem(503, "desk.absent", "none"));
  await desk.refresh();
  expect(desk.snapshot().state).toBe("absent");
  await pass(30);
  expect(ports.fetchMe).toHaveBeenCalledTimes(1);
});

it("is about the call on the phone, then the one that is offered, then the one just served", () => {
  const none = { offer: null, agent: agent(), presence: "ready" as Presence };
  const offered = { ...none, offer: { ...reservation({ call: "c2" }), endsAt: 0 } };
  expect(subjectOf(none, null, "c0")).toBeNull();
  expect(subjectOf(offered, null, "c0")).toBe("c2");
  expect(subjectOf(offered, "c1", "c0")).toBe("c1");
  expect(subjectOf({ ...none, agent: agent({ calls: ["c3"] }) }, null, "c0")).toBe("c3");
  expect(subjectOf({ ...none, presence: "after_call" }, null, "c0")).toBe("c0");
});

it("takes back that a call is somebody else's once it is known to have ended, and nothing else that it said", () => {
  const { desk } = made();
  desk.tellGone("moved");
  desk.takeBackMoved();
  expect(desk.snapshot().fate).toBeNull();
  desk.tellGone("passed_on");
  desk.takeBackMoved();
  expect(desk.snapshot().fate).toBe("passed_on");
});
