import { beforeEach, expect, it, vi } from "vitest";
import * as wire from "../wire/desk";
import { Problem } from "../wire/http";
import { AgentPhone } from "./agentPhone";

vi.mock("../wire/desk");
/** A line whose opening takes until the test lets it go on. */
vi.mock("../call/line", () => ({
  Line: class {
    snapshot = { state: "idle", error: null, connectedAt: null, endedAt: null };
    busy = false;
    readonly cut = (): void => undefined;
    constructor(private readonly changed: (change: object) => void) {}
    async open(join: (sdp: string) => Promise<unknown>): Promise<void> {
      this.busy = true;
      this.changed({ state: "connecting" });
      await join("v=0");
      if (this.isOpen()) this.changed({ state: "connected", connectedAt: 1 });
    }
    isOpen = (): boolean => this.busy;
    close(): void {
      if (!this.busy) return;
      this.busy = false;
      this.changed({ state: "ended" });
    }
  },
}));

const server = vi.mocked(wire);
/** An answer that comes when the test says so. */
function held<T>() {
  let answer!: (value: T) => void;
  let refuse!: (error: Error) => void;
  const promise = new Promise<T>((resolve, reject) => {
    answer = resolve;
    refuse = reject;
  });
  return { promise, answer, refuse };
}

beforeEach(() => {
  vi.resetAllMocks();
  server.joinCall.mockResolvedValue("v=0");
});

async function serving(): Promise<AgentPhone> {
  const phone = new AgentPhone();
  await phone.join("c1", "serve");
  expect(phone.snapshot()).toMatchObject({ call: "c1", mode: "serve", state: "connected" });
  return phone;
}

it("hangs up while the line is still being opened, and an answer that comes late revives nothing", async () => {
  const answer = held<string>();
  server.joinCall.mockReturnValue(answer.promise);
  const phone = new AgentPhone();
  const joining = phone.join("c1", "serve");
  expect(phone.snapshot().state).toBe("connecting");
  expect(await phone.hangUp()).toBe(true);
  expect(server.endCall).toHaveBeenCalledWith("c1");
  expect(phone.snapshot()).toMatchObject({ call: null, state: "ended", doing: null });
  answer.answer("v=0");
  expect(await joining).toBe(false);
  expect(phone.snapshot()).toMatchObject({ call: null, state: "ended" });
});

it.each(["mute", "hold", "pause"] as const)("hangs up at once though a %s is under way", async (act) => {
  const answer = held<undefined>();
  for (const one of [server.muteLeg, server.holdCall, server.pauseRecording]) one.mockReturnValue(answer.promise);
  const phone = await serving();
  const before = phone[act](true);
  expect(phone.snapshot().doing).not.toBeNull();
  expect(await phone.hangUp()).toBe(true);
  expect(server.endCall).toHaveBeenCalledTimes(1);
  expect(phone.snapshot()).toMatchObject({ call: null, doing: null });
  answer.refuse(new Problem(404, "call.unknown", "over"));
  expect(await before).toBe(false);
  expect(phone.snapshot()).toMatchObject({ call: null, problem: null });
});

it("asks the server once however often the button is pressed, and says where it was refused", async () => {
  const answer = held<undefined>();
  server.endCall.mockReturnValue(answer.promise);
  const phone = await serving();
  const first = phone.hangUp();
  expect(await phone.hangUp()).toBe(false);
  answer.refuse(new Problem(0, "network.unreachable", "down"));
  expect(await first).toBe(false);
  expect(server.endCall).toHaveBeenCalledTimes(1);
  expect(phone.snapshot()).toMatchObject({ call: "c1", doing: null, problem: { code: "network.unreachable" } });
  server.endCall.mockResolvedValue();
  expect(await phone.hangUp()).toBe(true);
});

it("hangs up a call that is mine and of which this page has no audio", async () => {
  const phone = new AgentPhone();
  expect(await phone.hangUp()).toBe(false);
  expect(await phone.hangUp("c1")).toBe(true);
  expect(server.endCall).toHaveBeenCalledWith("c1");
  expect(phone.snapshot()).toMatchObject({ call: null, doing: null });
});

it("puts no other call down that came meanwhile", async () => {
  const answer = held<undefined>();
  server.endCall.mockReturnValue(answer.promise);
  const phone = await serving();
  const ending = phone.hangUp();
  phone.forget();
  await phone.join("c2", "serve");
  answer.answer(undefined);
  await ending;
  expect(phone.snapshot()).toMatchObject({ call: "c2", state: "connected" });
});

it("asks for what passes the caller on, one thing at a time", async () => {
  const lin = { kind: "agent", address: "lin" } as const;
  const phone = await serving();
  expect(await phone.consult(lin)).toBe(true);
  expect(server.consult).toHaveBeenCalledWith("c1", lin);
  expect(await phone.handOver()).toBe(true);
  expect(server.passOn).toHaveBeenLastCalledWith("c1", "attended", null);
  expect(await phone.passOn(lin)).toBe(true);
  expect(server.passOn).toHaveBeenLastCalledWith("c1", "blind", lin);
  expect([await phone.takeBack(), await phone.goBack()]).toEqual([true, true]);
  server.consult.mockRejectedValueOnce(new Problem(409, "agent.engaged", "busy"));
  const first = phone.consult(lin);
  expect(await phone.passOn(lin)).toBe(false);
  expect(await first).toBe(false);
  expect(phone.snapshot().problem?.code).toBe("agent.engaged");
});

it("knows that it has passed the caller on before the answer comes, and that nobody took them", async () => {
  const answer = held<undefined>();
  server.passOn.mockReturnValue(answer.promise);
  const phone = await serving();
  const passing = phone.passOn({ kind: "queue", address: "general" });
  expect(phone.snapshot().passedOn).toBe(true);
  answer.answer(undefined);
  expect(await passing).toBe(true);
  expect(phone.snapshot().passedOn).toBe(true);
  expect(await phone.takeBack()).toBe(true);
  expect(phone.snapshot().passedOn).toBe(false);
  server.passOn.mockRejectedValue(new Problem(409, "agent.engaged", "busy"));
  expect(await phone.passOn({ kind: "agent", address: "lin" })).toBe(false);
  expect(phone.snapshot().passedOn).toBe(false);
});

it("leaves a consultation otherwise than a call that it serves", async () => {
  const phone = new AgentPhone();
  await phone.join("c1", "consult");
  expect(await phone.leave()).toBe(true);
  expect(server.endConsult).toHaveBeenCalledWith("c1");
  await phone.join("c1", "consult");
  phone.promote();
  expect(await phone.leave()).toBe(true);
  expect(server.leaveCall).toHaveBeenCalledWith("c1");
});

it("has left a consultation that somebody else ended in the same moment, and stays where the server cannot be asked", async () => {
  const phone = new AgentPhone();
  await phone.join("c1", "consult");
  server.endConsult.mockRejectedValueOnce(new Problem(0, "network.unreachable", ""));
  expect(await phone.leave()).toBe(false);
  expect(phone.snapshot()).toMatchObject({ call: "c1", problem: { code: "network.unreachable" } });
  server.endConsult.mockRejectedValueOnce(new Problem(409, "call.state", "nobody is consulted"));
  expect(await phone.leave()).toBe(false);
  expect(phone.snapshot()).toMatchObject({ call: null, problem: null });
});

it("declines a caller while the line to them is being opened, and ends nobody's call", async () => {
  const phone = await serving();
  expect(await phone.decline()).toBe(true);
  expect(server.withdrawTransfer).toHaveBeenCalledWith("c1");
  expect(server.endCall).not.toHaveBeenCalled();
  expect(phone.snapshot().call).toBeNull();
});
