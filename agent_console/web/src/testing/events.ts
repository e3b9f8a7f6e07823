/** A small call for tests, written as the wire writes it. */

import type { EventBodies, EventType, WireEvent, EmotionScore, CallSummary } from "../wire/events";

/** Stamps bodies with call, rising seq and time. */
export class Log {
  readonly events: WireEvent[] = [];

  constructor(readonly call = "c1") {}

  add<T extends EventType>(type: T, body: EventBodies[T], atMs?: number): this {
    const seq = this.events.length;
    this.events.push({ call: this.call, seq, at_ms: atMs ?? seq * 100, type, ...body } as unknown as WireEvent);
    return this;
  }
}

export function score(basis: EmotionScore["basis"], curveArousal = 0.2, curveValence = -0.1): EmotionScore {
  return {
    arousal: curveArousal,
    valence: curveValence,
    confidence: 0.7,
    label: "neutral",
    basis,
    contributions: [{ feature: "speech_rate_hz", dimension: "arousal", value: 0.2 }],
    curve_arousal: curveArousal,
    curve_valence: curveValence,
  };
}

/** A caller who says one sentence with an order number in it. */
export function oneSentence(call = "c1"): readonly WireEvent[] {
  return new Log(call)
    .add("call.started", {
      direction: "inbound",
      channel: "webrtc",
      caller: "web",
      called: "support",
      language: "zh",
      started_at: "2026-11-22T08:00:00Z",
    })
    .add("speech.started", { party: "caller", segment: 0, start_ms: 200 })
    .add("transcript.partial", { segment: 0, text: "我的订单", words: [] })
    .add("transcript.partial", { segment: 0, text: "我的订单3081还没", words: [] })
    .add("speech.ended", { party: "caller", segment: 0, span: { start_ms: 200, end_ms: 2600 }, reason: "silence" })
    .add("emotion.scored", { segment: 0, score: score("tone", 0.1) })
    .add("transcript.final", { segment: 0, text: "我的订单3081还没到。", words: [], engine: "whisper" })
    .add("keypoint.found", { segment: 0, tag: "identifier", start: 4, end: 8, text: "3081", value: "3081" })
    .add("emotion.scored", { segment: 0, score: score("tone_and_words", 0.3) }).events;
}

export function summary(change: Partial<CallSummary> = {}): CallSummary {
  return {
    call: "c1",
    started_at: "2026-11-22T08:00:00Z",
    channel: "webrtc",
    caller: "web",
    called: "support",
    language: "zh",
    ended: false,
    duration_ms: null,
    priority: 0,
    route: null,
    route_reason: null,
    level: "settled",
    intent: null,
    last_text: "",
    last_seq: 0,
    recording: false,
    ...change,
  };
}
