/** A small call for tests, written as the wire writes it. */

import type { EventBodies, EventType, WireEvent, EmotionScore, CallSummary, HintKind } from "../wire/events";

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

/** A score as the curve gives it: value, standard deviation and risk. */
export function tracked(arousal: number, valence: number, sd: number, risk: number): EmotionScore {
  return { ...score("tone_and_words", arousal, valence), curve_arousal_sd: sd, curve_valence_sd: sd, risk };
}

/** A scored utterance of the caller, in seconds. */
export function say(log: Log, segment: number, startS: number, endS: number, mood: EmotionScore): Log {
  const span = { start_ms: startS * 1000, end_ms: endS * 1000 };
  return log
    .add("speech.started", { party: "caller", segment, start_ms: span.start_ms }, span.start_ms)
    .add("speech.ended", { party: "caller", segment, span, reason: "silence" }, span.end_ms)
    .add("emotion.scored", { segment, score: { ...mood, basis: "tone" } }, span.end_ms)
    .add("transcript.final", { segment, text: `#${segment}`, words: [], engine: "fake" }, span.end_ms)
    .add("emotion.scored", { segment, score: mood }, span.end_ms);
}

/** A hint of which the suggestion is known. */
export function hint(log: Log, kind: string, endS: number, evidence: readonly number[] = [], say = kind): Log {
  return log.add(
    "coaching.hinted",
    {
      kind: kind as HintKind,
      span: { start_ms: Math.max(0, endS - 5) * 1000, end_ms: endS * 1000 },
      reason: { zh: `因为${kind}`, en: `because of ${kind}` },
      suggestion: { zh: `说${say}`, en: `say ${say}` },
      evidence,
    },
    endS * 1000,
  );
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
