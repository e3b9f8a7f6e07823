/** The scripted calls and how far each has got. */

import { play, scripts } from "./script.mjs";

export class Board {
  constructor() {
    this.calls = new Map();
    this.followers = new Set();
    this.skipNext = false;
    this.made = 0;
    for (let n = 44; n > 0; n -= 1) this.past(n % 5 === 2 ? scripts.en : scripts.zh, n);
    this.begin(scripts.zh, { head: Number(process.env.MOCK_HEAD_MS ?? 30_000) });
    this.begin(scripts.en, { head: 12_000, channel: "sip" });
    this.timer = setInterval(() => this.advance(), 100);
  }

  past(script, hoursAgo) {
    const startedAt = new Date(Date.now() - hoursAgo * 3_600_000);
    const called = { ...script, caller: hoursAgo % 5 === 2 ? script.caller : `139 **** ${1000 + ((hoursAgo * 733) % 9000)}` };
    const call = this.add(play(called, { startedAt, channel: hoursAgo % 3 === 0 ? "sip" : "webrtc" }), startedAt);
    call.reached = call.events.length;
    call.recording = hoursAgo % 7 !== 3;
  }

  begin(script, { head = 0, channel = "webrtc" } = {}) {
    const startedAt = new Date(Date.now() - head);
    this.add(play(script, { startedAt, channel }), startedAt).script = script;
  }

  add(events, startedAt) {
    this.made += 1;
    const id = `call-${String(this.made).padStart(4, "0")}`;
    const stamped = events.map((event, seq) => ({ call: id, seq, ...event }));
    const call = { id, events: stamped, reached: 0, startedAt, recording: true };
    this.calls.set(id, call);
    return call;
  }

  /** Let every call reach what its clock has reached. */
  advance() {
    for (const call of [...this.calls.values()]) {
      if (this.ended(call)) continue;
      const now = Date.now() - call.startedAt.getTime();
      const from = call.reached;
      while (call.reached < call.events.length && call.events[call.reached].at_ms <= now) call.reached += 1;
      if (call.reached === from) continue;
      let events = call.events.slice(from, call.reached);
      if (this.skipNext) {
        this.skipNext = false;
        events = events.slice(1);
      }
      for (const tell of this.followers) tell(call, events);
      if (this.ended(call) && call.script) setTimeout(() => this.begin(call.script), 6_000);
    }
  }

  follow(tell) {
    this.followers.add(tell);
    return () => this.followers.delete(tell);
  }

  ended(call) {
    return call.reached >= call.events.length;
  }

  page(limit, before) {
    const newest = [...this.calls.values()].sort((a, b) => b.startedAt - a.startedAt);
    const older = newest.filter((one) => before === null || one.startedAt < new Date(before));
    return older.slice(0, limit).map((one) => this.summary(one));
  }

  summary(call) {
    const events = call.events.slice(0, call.reached);
    const last = (type) => events.findLast((one) => one.type === type);
    const started = call.events[0];
    const caller = new Set(events.filter((one) => one.type === "speech.started" && one.party === "caller").map((one) => one.segment));
    const text = events.findLast((one) => one.type.startsWith("transcript.") && caller.has(one.segment));
    return {
      call: call.id,
      started_at: started.started_at,
      channel: started.channel,
      caller: started.caller,
      called: started.called,
      language: started.language,
      ended: this.ended(call),
      duration_ms: this.ended(call) ? call.events.at(-1).duration_ms : Date.now() - call.startedAt.getTime(),
      priority: last("priority.changed")?.current ?? 0,
      route: last("route.decided")?.target ?? null,
      route_reason: last("route.decided")?.reason ?? null,
      risk: events.findLast((one) => one.type === "emotion.scored" && one.score.basis !== "tone")?.score.risk ?? 0,
      level: last("emotion.shifted")?.shift.current ?? "settled",
      intent: last("intent.recognized")?.label ?? null,
      last_text: text?.text ?? "",
      last_seq: call.reached - 1,
      recording: this.ended(call) && call.recording,
    };
  }
}
