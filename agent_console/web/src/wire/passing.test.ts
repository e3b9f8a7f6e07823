import { expect, it } from "vitest";
import { Log } from "../testing/events";
import { fold } from "./fold";
import { passingState } from "./passing";
import { emptyView } from "./state";

const viewOf = (log: Log) => fold(emptyView(log.call), log.events).view;
const stateOf = (log: Log) => {
  const { passing, held } = viewOf(log);
  return passingState(passing, held);
};
const lin = { kind: "agent", address: "lin" } as const;
const consulting = () =>
  new Log().add("call.held", { by: "mei" }).add("consult.started", { consult: "k1", by: "mei", target: lin });

it("goes from being asked over talking to a conference, and back", () => {
  const log = consulting();
  expect(stateOf(log)).toBe("consult_asked");
  expect(stateOf(log.add("consult.answered", { consult: "k1" }))).toBe("talking");
  expect(stateOf(log.add("call.resumed", { by: "mei" }))).toBe("conference");
  expect(stateOf(log.add("call.held", { by: "mei" }))).toBe("talking");
  expect(stateOf(log.add("consult.ended", { consult: "k1", reason: "returned" }))).toBe("none");
  expect(viewOf(log).passing.failed).toBeNull();
});

it("waits for whoever is consulted and has lost the line, and goes on with them as before", () => {
  const log = consulting().add("consult.answered", { consult: "k1" }).add("call.resumed", { by: "mei" });
  expect(stateOf(log.add("consult.awaited", { consult: "k1", grace_s: 15 }))).toBe("consult_awaited");
  expect(stateOf(log.add("consult.answered", { consult: "k1" }))).toBe("conference");
  log.add("consult.awaited", { consult: "k1", grace_s: 15 }).add("consult.ended", { consult: "k1", reason: "left" });
  expect(stateOf(log)).toBe("none");
  expect(viewOf(log).passing).toMatchObject({ awaited: false, failed: { what: "consult", why: "left" } });
});

it("hands the caller over within a consultation", () => {
  const log = consulting()
    .add("consult.answered", { consult: "k1" })
    .add("transfer.requested", { transfer: "t1", by: "mei", kind: "attended", target: lin });
  expect(stateOf(log)).toBe("transfer_asked");
  log
    .add("transfer.accepted", { transfer: "t1" })
    .add("consult.ended", { consult: "k1", reason: "transferred" })
    .add("transfer.completed", { transfer: "t1" });
  expect(stateOf(log)).toBe("none");
  expect(viewOf(log).passing).toMatchObject({ failed: null, completed: { by: "mei", target: lin } });
});

it.each(["declined", "no_answer", "busy", "forbidden", "unreachable", "technical"] as const)(
  "keeps that a transfer failed (%s) until the next one begins",
  (code) => {
    const log = new Log()
      .add("transfer.requested", { transfer: "t1", by: "mei", kind: "blind", target: lin })
      .add("transfer.failed", { transfer: "t1", code });
    expect(viewOf(log).passing.failed).toMatchObject({ what: "transfer", why: code, target: lin, by: "mei" });
    log.add("consult.started", { consult: "k1", by: "mei", target: lin });
    expect(viewOf(log).passing.failed).toBeNull();
  },
);

it("tells that whoever was consulted has left, and nothing of what was wished for", () => {
  const left = consulting().add("consult.answered", { consult: "k1" }).add("consult.ended", { consult: "k1", reason: "left" });
  expect(viewOf(left).passing.failed).toMatchObject({ what: "consult", why: "left" });
  const withdrawn = new Log()
    .add("transfer.requested", { transfer: "t1", by: "mei", kind: "blind", target: lin })
    .add("transfer.failed", { transfer: "t1", code: "withdrawn" });
  expect(viewOf(withdrawn).passing).toMatchObject({ failed: null, transfer: null });
});

it("is over with the call", () => {
  const log = consulting().add("call.ended", { reason: "caller_hung_up", duration_ms: 1000 });
  expect(stateOf(log)).toBe("none");
});
