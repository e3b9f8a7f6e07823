/**
 * The fold from events to what a call view shows.
 *
 * Pure: a view is never changed in place. `seq` decides: an event already seen is a duplicate and changes nothing, an
 * event that is not the next one is a gap and is refused, so that the caller can fetch what is missing.
 */

import { isUnknown, type EmotionScore, type EventOf, type WireEvent, type Wording } from "./events";
import { readPassing } from "./passing";
import { readPeople } from "./people";
import type { Advice, CallView, Decision, SegmentView } from "./state";

export type Applied =
  | { readonly outcome: "applied"; readonly view: CallView }
  | { readonly outcome: "duplicate"; readonly view: CallView }
  | { readonly outcome: "gap"; readonly view: CallView; readonly expected: number; readonly got: number };

export type Folded =
  | { readonly outcome: "whole"; readonly view: CallView; readonly applied: number }
  | { readonly outcome: "gap"; readonly view: CallView; readonly applied: number; readonly expected: number };

/** The view after one more event. */
export function apply(view: CallView, event: WireEvent): Applied {
  if (event.call !== view.call) {
    throw new Error(`The view is of call ${view.call}; the event belongs to ${event.call}.`);
  }
  const expected = view.lastSeq + 1;
  if (event.seq < expected) return { outcome: "duplicate", view };
  if (event.seq > expected) return { outcome: "gap", view, expected, got: event.seq };
  const next = read(view, event);
  return { outcome: "applied", view: { ...next, lastSeq: event.seq, atMs: Math.max(view.atMs, event.at_ms) } };
}

/** The view after several events; stops at the first gap. */
export function fold(view: CallView, events: readonly WireEvent[]): Folded {
  let current = view;
  let applied = 0;
  for (const event of events) {
    const step = apply(current, event);
    if (step.outcome === "gap") return { outcome: "gap", view: current, applied, expected: step.expected };
    if (step.outcome === "applied") applied += 1;
    current = step.view;
  }
  return { outcome: "whole", view: current, applied };
}

function read(view: CallView, event: WireEvent): CallView {
  switch (event.type) {
    case "call.started":
      return { ...view, started: event };
    case "call.ended":
      return {
        ...view,
        ended: event,
        held: false,
        people: readPeople(view.people, event),
        passing: readPassing(view.passing, event),
      };
    case "call.held":
      return logged(held(view, event, true), event);
    case "call.resumed":
      return logged(held(view, event, false), event);
    case "media.measured":
      return { ...view, people: readPeople(view.people, event) };
    case "party.joined":
    case "party.left":
    case "party.muted":
    case "party.unmuted": {
      const next = { ...view, people: readPeople(view.people, event) };
      // That the caller comes and goes is the call itself.
      return event.party === "agent" ? logged(next, event) : next;
    }
    case "agent.awaited":
    case "handover.failed":
    case "recording.paused":
    case "recording.resumed":
    case "supervision.started":
    case "supervision.changed":
    case "supervision.ended":
      return logged({ ...view, people: readPeople(view.people, event) }, event);
    case "audio.dropped":
      return { ...view, dropped: [...view.dropped, event] };
    case "speech.started":
      return withSegment(view, begin(event.segment, event.party, servedBy(view.people, event.party), event.start_ms));
    case "speech.ended":
      return change(view, event.segment, (one) => ({ ...one, party: event.party, span: event.span }));
    case "transcript.partial":
      return change(view, event.segment, (one) =>
        one.final ? one : { ...one, text: event.text, words: event.words },
      );
    case "transcript.final":
      return {
        ...change(view, event.segment, (one) => ({ ...one, text: event.text, words: event.words, final: true })),
        lastFinal: event.segment,
      };
    case "prosody.measured":
      return change(view, event.segment, (one) => ({ ...one, features: event.features }));
    case "emotion.scored":
      return {
        ...change(view, event.segment, (one) => ({ ...one, emotion: event.score })),
        risk: riskOf(event.score) ?? view.risk,
      };
    case "emotion.shifted":
      return logged(
        {
          ...view,
          level: event.shift.current,
          shifts: [...view.shifts, { ...event.shift, atMs: event.shift.span.end_ms }],
        },
        event,
      );
    case "voice.recalled":
      return { ...view, recalled: event };
    case "coaching.hinted":
      return { ...view, hints: [...view.hints, event] };
    case "agent.tone_allowed":
      return { ...view, agentToneAllowed: event };
    case "agent.tone_scored":
      return change(view, event.segment, (one) => ({ ...one, agentTone: event.tone }));
    case "intent.recognized":
      return { ...change(view, event.segment, (one) => ({ ...one, intent: event })), intent: event };
    case "keypoint.found":
      return change(view, event.segment, (one) => ({ ...one, keyPoints: [...one.keyPoints, event] }));
    case "entity.found":
      return change(view, event.segment, (one) => ({ ...one, entities: [...one.entities, event] }));
    case "decision.made":
      return logged({ ...view, advice: [...view.advice, ...adviceOf(event)] }, event);
    case "priority.changed":
      return logged({ ...view, priority: event.current, priorityChange: event }, event);
    case "route.decided":
      return logged({ ...view, route: event }, event);
    case "dtmf.received":
    case "handover.requested":
    case "handover.offered":
    case "handover.accepted":
    case "handover.bridged":
    case "announcement.made":
    case "leg.replaced":
    case "callback.requested":
    case "callback.dialled":
    case "callback.answered":
    case "callback.failed":
      return logged(view, event);
    case "consult.started":
    case "consult.answered":
    case "consult.awaited":
    case "consult.ended":
    case "transfer.requested":
    case "transfer.accepted":
    case "transfer.completed":
    case "transfer.failed":
      return logged({ ...view, passing: readPassing(view.passing, event) }, event);
    case "stage.failed":
      return { ...view, failures: [...view.failures, event] };
    default:
      // Shown elsewhere or later, or an event that a newer server knows: it counts, and changes nothing here.
      return view;
  }
}

/** Both may hold the call at once: whoever serves, and the caller's own telephone. */
function held(view: CallView, { party }: EventOf<"call.held" | "call.resumed">, now: boolean): CallView {
  if (party === "caller") return { ...view, people: { ...view.people, callerHolds: now } };
  return { ...view, held: now };
}

function adviceOf({ seq, at_ms, segment, hints }: EventOf<"decision.made">): readonly Advice[] {
  // Logs of older servers lack the hints.
  const given = (hints as readonly Wording[] | undefined) ?? [];
  return given.map((text, index) => ({ seq, index, atMs: at_ms, text, segment }));
}

/** Like the level, risk follows from scores that the words went into; where nothing was known, it says nothing. */
function riskOf({ basis, risk, curve_arousal_sd, curve_valence_sd }: EmotionScore): number | null {
  if (basis === "tone" || (isUnknown(curve_arousal_sd) && isUnknown(curve_valence_sd))) return null;
  return risk ?? null;
}

function logged(view: CallView, event: Decision): CallView {
  return { ...view, decisions: [...view.decisions, event] };
}

/** Which agent an agent's words are from: whoever serves the call as they begin. */
function servedBy(people: CallView["people"], party: SegmentView["party"]): string | null {
  return party === "agent" ? (people.agents.at(-1) ?? null) : null;
}

function begin(id: number, party: SegmentView["party"], agent: string | null, startMs: number): SegmentView {
  return {
    id,
    party,
    agent,
    startMs,
    span: null,
    text: "",
    words: [],
    final: false,
    keyPoints: [],
    entities: [],
    intent: null,
    features: null,
    emotion: null,
    agentTone: null,
  };
}

function withSegment(view: CallView, segment: SegmentView): CallView {
  return { ...view, segments: new Map(view.segments).set(segment.id, segment) };
}

function change(view: CallView, id: number, edit: (one: SegmentView) => SegmentView): CallView {
  const one = view.segments.get(id);
  return one === undefined ? view : withSegment(view, edit(one));
}
