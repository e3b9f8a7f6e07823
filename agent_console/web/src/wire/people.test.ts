import { expect, it } from "vitest";
import { Log } from "../testing/events";
import { fold } from "./fold";
import { legOf } from "./people";
import { emptyView } from "./state";

const viewOf = (log: Log) => fold(emptyView(log.call), log.events).view;
const quality = { loss: 0.02, late: 0, concealed: 0.02, jitter_ms: 9, delay_ms: 60, round_trip_ms: null, mos: 4.1 };

it("tells the caller's own hold from the agent's", () => {
  const log = new Log("c1")
    .add("party.joined", { party: "agent", agent: "lin" })
    .add("call.held", { by: "caller", party: "caller" });
  expect([viewOf(log).held, viewOf(log).people.callerHolds]).toEqual([false, true]);
  log.add("call.held", { by: "lin", party: "agent" }).add("call.resumed", { by: "caller", party: "caller" });
  expect([viewOf(log).held, viewOf(log).people.callerHolds]).toEqual([true, false]);
});

it("knows who serves, who listens, and what is muted, held and not recorded", () => {
  const log = new Log()
    .add("party.joined", { party: "caller", agent: null })
    .add("party.joined", { party: "agent", agent: "lin" })
    .add("party.muted", { party: "agent", agent: "lin" })
    .add("call.held", { by: "lin" })
    .add("recording.paused", { by: "lin" })
    .add("supervision.started", { supervisor: "mei", mode: "listen" })
    .add("supervision.changed", { supervisor: "mei", mode: "whisper" });
  const { people, held } = viewOf(log);
  expect(people.agents).toEqual(["lin"]);
  expect([...people.supervisors]).toEqual([["mei", "whisper"]]);
  expect([...people.muted]).toEqual([legOf("agent", "lin")]);
  expect([held, people.recordingPaused]).toEqual([true, true]);

  log
    .add("party.unmuted", { party: "agent", agent: "lin" })
    .add("call.resumed", { by: "lin" })
    .add("recording.resumed", { by: "lin" })
    .add("supervision.ended", { supervisor: "mei" });
  const after = viewOf(log);
  expect([...after.people.supervisors, ...after.people.muted]).toEqual([]);
  expect([after.held, after.people.recordingPaused]).toEqual([false, false]);
});

it("forgets with a leg what belonged to it, and keeps the newest measurement of each other", () => {
  const log = new Log()
    .add("party.joined", { party: "agent", agent: "lin" })
    .add("media.measured", { party: "caller", agent: null, ...quality, mos: 3 })
    .add("media.measured", { party: "caller", agent: null, ...quality })
    .add("media.measured", { party: "agent", agent: "lin", ...quality })
    .add("party.muted", { party: "agent", agent: "lin" })
    .add("party.left", { party: "agent", agent: "lin" });
  const { people } = viewOf(log);
  expect([...people.agents, ...people.muted]).toEqual([]);
  expect([...people.quality.values()].map((one) => one.mos)).toEqual([4.1]);
});

it("writes agents' steps into the record, and leaves the caller's coming and going to the call itself", () => {
  const log = new Log()
    .add("party.joined", { party: "caller", agent: null })
    .add("party.joined", { party: "agent", agent: "lin" })
    .add("call.held", { by: "lin" })
    .add("call.resumed", { by: "lin" })
    .add("media.measured", { party: "caller", agent: null, ...quality })
    .add("party.left", { party: "agent", agent: "lin" })
    .add("party.left", { party: "caller", agent: null });
  expect(viewOf(log).decisions.map((one) => one.type)).toEqual([
    "party.joined",
    "call.held",
    "call.resumed",
    "party.left",
  ]);
});

it("says of an agent's words whose they are, also after another has taken over", () => {
  const log = new Log()
    .add("party.joined", { party: "agent", agent: "lin" })
    .add("speech.started", { party: "agent", segment: 0, start_ms: 100 })
    .add("party.left", { party: "agent", agent: "lin" })
    .add("party.joined", { party: "agent", agent: "mei" })
    .add("speech.started", { party: "agent", segment: 1, start_ms: 900 })
    .add("speech.started", { party: "caller", segment: 2, start_ms: 1900 });
  expect([...viewOf(log).segments.values()].map((one) => one.agent)).toEqual(["lin", "mei", null]);
});

it("leaves nobody on a call that is over, but keeps how it sounded", () => {
  const log = new Log()
    .add("party.joined", { party: "agent", agent: "lin" })
    .add("call.held", { by: "lin" })
    .add("recording.paused", { by: "lin" })
    .add("media.measured", { party: "caller", agent: null, ...quality })
    .add("call.ended", { reason: "agent_hung_up", duration_ms: 900 });
  const { people, held } = viewOf(log);
  expect([people.agents.length, people.recordingPaused, held, people.quality.size]).toEqual([0, false, false, 1]);
});
