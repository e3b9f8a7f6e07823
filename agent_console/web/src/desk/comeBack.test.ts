// @vitest-environment happy-dom
import { beforeEach, expect, it, vi } from "vitest";
import { ComeBack, forgetCall, rememberCall, rememberedCall, type Part } from "./comeBack";

beforeEach(() => sessionStorage.clear());

function made(part: Part | "none" | null = "serve") {
  const world = { part, now: 0, opens: false, busy: false };
  const ports = {
    part: () => world.part,
    refresh: vi.fn(() => Promise.resolve()),
    busy: () => world.busy,
    join: vi.fn<(call: string, as: Part) => Promise<void>>(() => {
      world.busy = world.opens;
      return Promise.resolve();
    }),
    gone: vi.fn<(call: string, as: Part) => void>(),
    now: () => world.now,
  };
  const back = new ComeBack(ports);
  /** Let so many seconds pass, one by one. */
  const pass = async (seconds: number): Promise<void> => {
    for (let n = 0; n < seconds; n += 1) {
      world.now += 1000;
      await back.tick();
    }
  };
  return { back, ports, world, pass };
}

it("does nothing unless it was told to come back", async () => {
  const { ports, pass } = made();
  await pass(5);
  expect(ports.refresh).not.toHaveBeenCalled();
});

it("joins at once, and stops when the line stands", async () => {
  const { back, ports, world, pass } = made();
  world.opens = true;
  back.begin("c1", "reloaded", "serve");
  await pass(1);
  expect(ports.join).toHaveBeenCalledWith("c1", "serve");
  expect(back.snapshot()).toEqual({ call: "c1", as: "serve", why: "reloaded", attempts: 1 });
  await pass(5);
  back.end();
  world.busy = false;
  await pass(20);
  expect(ports.join).toHaveBeenCalledTimes(1);
  expect(back.snapshot()).toBeNull();
});

it("waits for the desk's word, and leaves a caller alone who is somebody else's", async () => {
  const { back, ports, world, pass } = made(null);
  back.begin("c1", "lost", "serve");
  await pass(3);
  expect(ports.join).not.toHaveBeenCalled();
  world.part = "none";
  await pass(1);
  expect(ports.join).not.toHaveBeenCalled();
  expect(ports.gone).toHaveBeenCalledWith("c1", "serve");
  expect(back.snapshot()).toBeNull();
});

it("tries again with growing pauses, and gives up in the end", async () => {
  const { back, ports, pass } = made();
  back.begin("c1", "lost", "serve");
  const tries: number[] = [];
  for (let second = 1; second <= 30; second += 1) {
    const before = ports.join.mock.calls.length;
    await pass(1);
    if (ports.join.mock.calls.length > before) tries.push(second);
  }
  expect(tries).toEqual([1, 2, 4, 8, 14]);
  expect(back.snapshot()).toBeNull();
  expect(ports.gone).not.toHaveBeenCalled();
});

it("does not join a call that was given up while the desk was asked", async () => {
  const { back, ports, pass } = made();
  ports.refresh.mockImplementationOnce(() => {
    back.end();
    return Promise.resolve();
  });
  back.begin("c1", "reloaded", "serve");
  await pass(2);
  expect(ports.join).not.toHaveBeenCalled();
});

it("comes back to a consultation, and to the caller where these are handed over meanwhile", async () => {
  const { back, ports, world, pass } = made("consult");
  back.begin("c1", "reloaded", "consult");
  await pass(1);
  expect(ports.join).toHaveBeenLastCalledWith("c1", "consult");
  world.part = "serve";
  await pass(1);
  expect(ports.join).toHaveBeenLastCalledWith("c1", "serve");
  expect(back.snapshot()).toMatchObject({ as: "serve", attempts: 2 });
});

it("says as what it was on a call that is over for it", async () => {
  const { back, ports, pass } = made("none");
  back.begin("c1", "lost", "consult");
  await pass(1);
  expect(ports.gone).toHaveBeenCalledWith("c1", "consult");
});

it("remembers the call of this tab and as what it was on it; what is no memory of ours is none", () => {
  expect(rememberedCall()).toBeNull();
  rememberCall("c1", "consult");
  expect(rememberedCall()).toEqual({ call: "c1", as: "consult" });
  forgetCall();
  expect(rememberedCall()).toBeNull();
  sessionStorage.setItem("warmline.on-call", "c1");
  expect(rememberedCall()).toBeNull();
});
