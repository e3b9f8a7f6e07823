/** What a call view shows: a fold over the call's events. */

import type { AgentTone, EmotionScore, EmotionShift, EventOf, Features, Level, Party, Span, Word, Wording } from "./events";
import { passingNobody, type Passing } from "./passing";
import { nobody, type People } from "./people";

export interface SegmentView {
  readonly id: number;
  readonly party: Party;
  /** Which agent speaks, where it is one and known. */
  readonly agent: string | null;
  readonly startMs: number;
  /** Null while somebody still speaks. */
  readonly span: Span | null;
  readonly text: string;
  readonly words: readonly Word[];
  /** False while `text` may still be replaced. */
  readonly final: boolean;
  readonly keyPoints: readonly EventOf<"keypoint.found">[];
  readonly entities: readonly EventOf<"entity.found">[];
  readonly intent: EventOf<"intent.recognized"> | null;
  readonly features: Features | null;
  /** A caller's; an agent's tone is a thing of its own. */
  readonly emotion: EmotionScore | null;
  readonly agentTone: AgentTone | null;
}

/** An entry of the decision log, oldest first. */
export type Decision =
  | EventOf<"decision.made">
  | EventOf<"announcement.made">
  | EventOf<"priority.changed">
  | EventOf<"route.decided">
  | EventOf<"emotion.shifted">
  | EventOf<"dtmf.received">
  | EventOf<"handover.requested">
  | EventOf<"handover.offered">
  | EventOf<"handover.accepted">
  | EventOf<"handover.bridged">
  | EventOf<"handover.failed">
  | { [T in TransferStep]: EventOf<T> }[TransferStep]
  | { [T in PeopleStep]: EventOf<T> }[PeopleStep];

/** What people on the call do that belongs into its record. */
export type PeopleStep =
  | "agent.awaited"
  | "leg.replaced"
  | "callback.requested"
  | "callback.dialled"
  | "callback.answered"
  | "callback.failed"
  | "party.joined"
  | "party.left"
  | "party.muted"
  | "party.unmuted"
  | "call.held"
  | "call.resumed"
  | "recording.paused"
  | "recording.resumed"
  | "supervision.started"
  | "supervision.changed"
  | "supervision.ended";

/** What becomes of a caller who shall be served by somebody else. */
export type TransferStep =
  | "consult.started"
  | "consult.answered"
  | "consult.awaited"
  | "consult.ended"
  | "transfer.requested"
  | "transfer.accepted"
  | "transfer.completed"
  | "transfer.failed";

/** What a rule tells whoever serves. */
export interface Advice {
  /** Of the decision that brought it about, and which of its hints this is. */
  readonly seq: number;
  readonly index: number;
  readonly atMs: number;
  readonly text: Wording;
  /** The caller's turn that brought it about; null for a key. */
  readonly segment: number | null;
}

export interface TimedShift extends EmotionShift {
  /** Media time at which the shift was confirmed. */
  readonly atMs: number;
}

export interface CallView {
  readonly call: string;
  readonly lastSeq: number;
  readonly atMs: number;
  readonly started: EventOf<"call.started"> | null;
  readonly ended: EventOf<"call.ended"> | null;
  readonly held: boolean;
  /** Who is on the call besides the caller, and how the audio comes through. */
  readonly people: People;
  /** Who is consulted, or gets the caller. */
  readonly passing: Passing;
  readonly segments: ReadonlyMap<number, SegmentView>;
  readonly priority: number;
  readonly priorityChange: EventOf<"priority.changed"> | null;
  readonly route: EventOf<"route.decided"> | null;
  readonly intent: EventOf<"intent.recognized"> | null;
  readonly level: Level;
  readonly shifts: readonly TimedShift[];
  /** How urgently a supervisor should look, [0, 1]; null before the first score that tells it. */
  readonly risk: number | null;
  /** Advice to the agent, oldest first. */
  readonly hints: readonly EventOf<"coaching.hinted">[];
  /** What rules tell the agent, oldest first. */
  readonly advice: readonly Advice[];
  /** The caller's normal, where an earlier call taught it. */
  readonly recalled: EventOf<"voice.recalled"> | null;
  /** Set where the installation has agents' tone measured. */
  readonly agentToneAllowed: EventOf<"agent.tone_allowed"> | null;
  readonly decisions: readonly Decision[];
  readonly failures: readonly EventOf<"stage.failed">[];
  readonly dropped: readonly EventOf<"audio.dropped">[];
  /** The newest final, for announcing it; null before the first. */
  readonly lastFinal: number | null;
}

/** A call of which nothing is known yet. */
export function emptyView(call: string): CallView {
  return {
    call,
    lastSeq: -1,
    atMs: 0,
    started: null,
    ended: null,
    held: false,
    people: nobody,
    passing: passingNobody,
    segments: new Map(),
    priority: 0,
    priorityChange: null,
    route: null,
    intent: null,
    level: "settled",
    shifts: [],
    risk: null,
    hints: [],
    advice: [],
    recalled: null,
    agentToneAllowed: null,
    decisions: [],
    failures: [],
    dropped: [],
    lastFinal: null,
  };
}
