import { describe, expect, it } from "vitest";
import { emotionPoints } from "../callview/course";
import { hint, Log, oneSentence, say, score, tracked } from "../testing/events";
import type { WireEvent } from "./events";
import { apply, fold } from "./fold";
import { emptyView } from "./state";

const started = oneSentence().slice(0, 2);

function eventAt(seq: number): WireEvent {
  const event = oneSentence()[seq];
  if (event === undefined) throw new Error(`The sentence has no event ${seq}.`);
  return event;
}

function folded(events: readonly WireEvent[]) {
  const result = fold(emptyView("c1"), events);
  expect(result.outcome).toBe("whole");
  return result.view;
}

describe("transcript", () => {
  it("replaces a partial by the next partial and that by the final", () => {
    const events = oneSentence();
    const texts = events.map((_, index) => folded(events.slice(0, index + 1)).segments.get(0));
    expect(texts[1]).toMatchObject({ text: "", final: false, span: null });
    expect(texts[2]).toMatchObject({ text: "我的订单", final: false });
    expect(texts[3]).toMatchObject({ text: "我的订单3081还没", final: false });
    expect(texts[6]).toMatchObject({ text: "我的订单3081还没到。", final: true });
    expect(folded(events).segments.size).toBe(1);
    expect(folded(events).lastFinal).toBe(0);
  });

  it("lets no late partial replace a final", () => {
    const events = new Log();
    events.events.push(...oneSentence());
    events.add("transcript.partial", { segment: 0, text: "迟到", words: [] });
    expect(folded(events.events).segments.get(0)).toMatchObject({ text: "我的订单3081还没到。", final: true });
  });

  it("keeps key points at their offsets", () => {
    const one = folded(oneSentence()).segments.get(0);
    expect(one?.keyPoints.map((point) => one.text.slice(point.start, point.end))).toEqual(["3081"]);
  });
});

describe("emotion", () => {
  it("replaces the score by tone with the one by tone and words", () => {
    const events = oneSentence();
    expect(folded(events.slice(0, 6)).segments.get(0)?.emotion).toEqual(score("tone", 0.1));
    expect(folded(events).segments.get(0)?.emotion).toEqual(score("tone_and_words", 0.3));
  });

  it("logs a shift and holds the level", () => {
    const log = new Log();
    log.events.push(...oneSentence());
    log.add("emotion.shifted", {
      shift: {
        previous: "settled",
        current: "tense",
        span: { start_ms: 200, end_ms: 2600 },
        segments: [0],
        reason: "arousal_high",
      },
    });
    const view = folded(log.events);
    expect(view.level).toBe("tense");
    expect(view.shifts).toMatchObject([{ current: "tense", atMs: 2600 }]);
    expect(view.decisions.map((one) => one.type)).toEqual(["emotion.shifted"]);
  });
});

describe("tone", () => {
  const begun = (): Log => {
    const log = new Log();
    log.events.push(...started.slice(0, 1));
    return log;
  };

  it("takes the risk from scores that the words went into, as the level does", () => {
    const log = say(begun(), 0, 0, 3, tracked(0.2, -0.1, 0.3, 0.25));
    say(log, 1, 4, 7, tracked(0.5, -0.4, 0.2, 0.7));
    expect(folded(log.events.slice(0, 5)).risk).toBeNull();
    expect(folded(log.events.slice(0, 6)).risk).toBe(0.25);
    expect(folded(log.events.slice(0, -1)).risk).toBe(0.25);
    expect(folded(log.events).risk).toBe(0.7);
  });

  it("claims no risk where a log knows none", () => {
    const events = oneSentence();
    expect(folded(events).risk).toBeNull();
    // What an older log becomes when a newer server reads it.
    expect(folded(say(begun(), 0, 0, 3, tracked(0.9, -0.9, 1, 0)).events).risk).toBeNull();
  });

  it("keeps hints in order, and whose voice was known", () => {
    const log = begun().add("voice.recalled", { normal: { features: [] }, source: "c0" });
    hint(log, "long_silence", 30);
    hint(log, "rising_frustration", 61, [1]);
    log.add("voice.learned", { normal: { features: [] } });
    const view = folded(log.events);
    expect(view.hints.map((one) => [one.kind, one.evidence])).toEqual([
      ["long_silence", []],
      ["rising_frustration", [1]],
    ]);
    expect(view.recalled?.source).toBe("c0");
    expect(view.lastSeq).toBe(4);
  });

  it("keeps an agent's tone apart from the caller's, and out of the curve", () => {
    const log = begun()
      .add("agent.tone_allowed", { legal_basis: "§ 4" })
      .add("speech.started", { party: "agent", segment: 0, start_ms: 0 })
      .add("agent.tone_scored", { segment: 0, tone: { arousal: 0.4, confidence: 0.6 } });
    const view = folded(log.events);
    expect(view.agentToneAllowed?.legal_basis).toBe("§ 4");
    expect(view.segments.get(0)).toMatchObject({ emotion: null, agentTone: { arousal: 0.4 } });
    expect(emotionPoints(view.segments)).toEqual([]);
    expect(view.risk).toBeNull();
  });
});

describe("decisions", () => {
  const reason = { zh: "要求人工", en: "asked for a human" };
  const verdict = { rule: "asks_human", reason, evidence: [0], policy_version: "1" };

  it("holds the newest priority and route and logs each change", () => {
    const log = new Log();
    log.events.push(...oneSentence());
    log.add("route.decided", { target: "ai", ...verdict });
    log.add("priority.changed", { previous: 0, current: 40, ...verdict });
    log.add("route.decided", { target: "human", ...verdict });
    const view = folded(log.events);
    expect(view.priority).toBe(40);
    expect(view.route?.target).toBe("human");
    expect(view.decisions.map((one) => one.seq)).toEqual([9, 10, 11]);
  });

  it("shows failures and lost audio without stopping", () => {
    const log = new Log();
    log.events.push(...oneSentence());
    log.add("stage.failed", { stage: "prosody", code: "audio.frame", segment: 0 });
    log.add("audio.dropped", { party: "caller", span: { start_ms: 2600, end_ms: 2900 } });
    const view = folded(log.events);
    expect(view.failures).toHaveLength(1);
    expect(view.dropped).toHaveLength(1);
    expect(view.lastSeq).toBe(10);
  });
});

describe("order", () => {
  it("ignores what it has seen already, and answers the very same view", () => {
    const view = folded(oneSentence());
    for (const event of oneSentence()) expect(apply(view, event)).toEqual({ outcome: "duplicate", view });
    expect(apply(view, eventAt(0)).view).toBe(view);
  });

  it("refuses an event that is not the next one and names the one it needs", () => {
    const events = oneSentence();
    const view = folded(events.slice(0, 3));
    expect(apply(view, eventAt(5))).toEqual({ outcome: "gap", view, expected: 3, got: 5 });
  });

  it("stops a batch at the gap, keeping what came before it", () => {
    const events = oneSentence();
    const batch = [...events.slice(0, 4), ...events.slice(6)];
    const result = fold(emptyView("c1"), batch);
    expect(result).toMatchObject({ outcome: "gap", expected: 4, applied: 4 });
    expect(fold(result.view, events)).toMatchObject({ outcome: "whole", applied: 5 });
  });

  it("gives the same view however the events are batched, doubled or resumed", () => {
    const events = oneSentence();
    const whole = folded(events);
    for (let cutAt = 0; cutAt <= events.length; cutAt += 1) {
      const first = fold(emptyView("c1"), events.slice(0, cutAt)).view;
      const second = fold(first, events.slice(Math.max(0, cutAt - 2)));
      expect(second.view).toEqual(whole);
    }
  });

  it("counts an event that it does not know", () => {
    const future = { call: "c1", seq: 2, at_ms: 50, type: "call.translated", text: "?" } as unknown as WireEvent;
    const view = folded([...started, future]);
    expect(view.lastSeq).toBe(2);
  });

  it("refuses another call's event loudly", () => {
    expect(() => apply(emptyView("c2"), eventAt(0))).toThrow(/c2/);
  });

  it("changes no view in place", () => {
    const before = folded(started);
    const copy = structuredClone({ ...before, segments: [...before.segments] });
    fold(before, oneSentence());
    expect({ ...before, segments: [...before.segments] }).toEqual(copy);
  });
});
