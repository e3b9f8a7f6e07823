/** The events of a call as they come over the wire: flat objects, times in milliseconds of media time. */

export type Party = "caller" | "agent" | "bot";
export type Channel = "webrtc" | "sip" | "stream" | "replay";
export type Level = "settled" | "tense" | "upset";
export type Target = "ai" | "human";
export type Grade = "simple" | "complex" | "urgent";
export type Basis = "tone" | "tone_and_words";
export type KeyPointTag = "issue" | "request" | "identifier" | "promise" | "sentiment" | "outcome";
export type EmotionLabel =
  | "calm"
  | "neutral"
  | "pleased"
  | "anxious"
  | "frustrated"
  | "angry"
  | "sad"
  | "uncertain";
export type Stage =
  | "intake"
  | "detection"
  | "recording"
  | "recognition"
  | "prosody"
  | "emotion"
  | "coaching"
  | "understanding"
  | "policy";
export type SupervisionMode = "listen" | "whisper" | "barge";
export type HintKind = "rising_frustration" | "talking_over" | "long_silence" | "speaking_too_fast";
export type HandoverFailure =
  | "declined"
  | "no_answer"
  | "nobody_signed_in"
  | "closed"
  | "agent_lost"
  | "technical"
  | "caller_gone"
  | "withdrawn";
export type CallEndReason =
  | "caller_hung_up"
  | "agent_hung_up"
  | "audio_ended"
  | "connection_lost"
  | "never_connected"
  | "interrupted"
  | "server_shutdown"
  | "transferred"
  | "failed";

export type TransferKind = "blind" | "attended";
/** `address` is an agent's account, a queue's id, or an address outside (sip:, sips:, tel:). */
export interface TransferTarget {
  readonly kind: "agent" | "queue" | "uri";
  readonly address: string;
}
export type TransferFailure =
  | "declined"
  | "no_answer"
  | "busy"
  | "forbidden"
  | "unreachable"
  | "technical"
  | "withdrawn"
  | "caller_gone";
export type ConsultEnd =
  | "returned"
  | "transferred"
  | "left"
  | "declined"
  | "no_answer"
  | "busy"
  | "forbidden"
  | "unreachable"
  | "technical"
  | "abandoned"
  | "caller_gone";

export interface Span {
  readonly start_ms: number;
  readonly end_ms: number;
}

export interface Word {
  readonly text: string;
  readonly span: Span;
  readonly confidence: number | null;
}

/** A text for people, in both languages. */
export interface Wording {
  readonly zh: string;
  readonly en: string;
}

/** How much one feature moved arousal or valence, signed. */
export interface Contribution {
  readonly feature: string;
  readonly dimension: string;
  readonly value: number;
}

export interface EmotionScore {
  readonly arousal: number;
  readonly valence: number;
  readonly confidence: number;
  readonly label: EmotionLabel;
  readonly basis: Basis;
  readonly contributions: readonly Contribution[];
  readonly curve_arousal: number;
  readonly curve_valence: number;
  /** Standard deviation of `curve_arousal`, 1 where nothing is known; logs of older servers lack it. */
  readonly curve_arousal_sd?: number | null;
  readonly curve_valence_sd?: number | null;
  /** How urgently a supervisor should look, [0, 1]. */
  readonly risk?: number | null;
  /** Name and version of every trained model that had a say. */
  readonly models?: readonly string[];
}

/** Whether a standard deviation says that nothing is known, which is what a log without the figure says, too. */
export const isUnknown = (sd: number | null | undefined): sd is null | undefined => sd == null || sd >= 1;

/** Tone of an agent's utterance, where it is measured at all; never mixed with a caller's score. */
export interface AgentTone {
  readonly arousal: number;
  readonly confidence: number;
}

/** What is normal of one feature for one caller; `weight` counts the utterances that it rests on. */
export interface FeatureNormal {
  readonly name: string;
  readonly location: number;
  readonly scale: number;
  readonly weight: number;
}

export interface VoiceNormal {
  readonly features: readonly FeatureNormal[];
}

/** Measurements of one utterance by name: a number, a series (the F0 contour), or null where it could not be measured. */
export type Features = Readonly<Record<string, number | null | readonly (number | null)[]>>;

export interface EmotionShift {
  readonly previous: Level;
  readonly current: Level;
  readonly span: Span;
  readonly segments: readonly number[];
  readonly reason: string;
}

interface Verdict {
  readonly rule: string;
  readonly reason: Wording;
  readonly evidence: readonly number[];
  readonly policy_version: string;
}

interface Mark {
  readonly segment: number;
  /** Offsets count characters (code points) of the final's text, half open. */
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** The fields of each event, by its name on the wire. */
export interface EventBodies {
  "call.started": {
    readonly direction: "inbound" | "outbound";
    readonly channel: Channel;
    readonly caller: string;
    readonly called: string;
    readonly language: string;
    readonly started_at: string;
    /** What came with the call, as its transport names it: a trunk, headers; logs of older servers lack it. */
    readonly attributes?: readonly { readonly name: string; readonly value: string }[];
  };
  "call.ended": { readonly reason: CallEndReason; readonly duration_ms: number };
  "party.joined": { readonly party: Party; readonly agent: string | null };
  "party.left": { readonly party: Party; readonly agent: string | null };
  "party.muted": { readonly party: Party; readonly agent: string | null };
  "party.unmuted": { readonly party: Party; readonly agent: string | null };
  "supervision.started": { readonly supervisor: string; readonly mode: SupervisionMode };
  "supervision.changed": { readonly supervisor: string; readonly mode: SupervisionMode };
  "supervision.ended": { readonly supervisor: string };
  "recording.paused": { readonly by: string };
  "recording.resumed": { readonly by: string };
  /** Shares lie in [0, 1] and count from the event of this kind before; null is what could not be measured. */
  "media.measured": {
    readonly party: Party;
    readonly agent: string | null;
    readonly loss: number | null;
    readonly late: number | null;
    readonly concealed: number | null;
    readonly jitter_ms: number | null;
    readonly delay_ms: number | null;
    readonly round_trip_ms: number | null;
    /** 1 (bad) to 4.5 (excellent), an estimate. */
    readonly mos: number | null;
    /** Of what we sent, as the other side reports; logs of older servers do not say. */
    readonly lost_there?: number | null;
  };
  /** `caller`: their own telephone holds the call. Logs of older servers name no party: the agent did. */
  "call.held": { readonly by: string; readonly party?: Party };
  "call.resumed": { readonly by: string; readonly party?: Party };
  /** Another telephone has taken the place of the party's. */
  "leg.replaced": { readonly party: Party; readonly address: string };
  "callback.requested": { readonly address: string };
  "callback.dialled": { readonly agent: string; readonly attempt: number };
  "callback.answered": { readonly agent: string; readonly by: string };
  "callback.failed": { readonly agent: string; readonly code: TransferFailure; readonly given_up: boolean };
  /** The agent's leg is gone: the caller hears music until `party.joined`, `handover.failed`, or for `grace_s`. */
  "agent.awaited": { readonly agent: string; readonly grace_s: number };
  "audio.dropped": { readonly party: Party; readonly span: Span };
  "speech.started": { readonly party: Party; readonly segment: number; readonly start_ms: number };
  "speech.ended": {
    readonly party: Party;
    readonly segment: number;
    readonly span: Span;
    readonly reason: "silence" | "max_length" | "stream_end";
  };
  "transcript.partial": { readonly segment: number; readonly text: string; readonly words: readonly Word[] };
  "transcript.final": {
    readonly segment: number;
    readonly text: string;
    readonly words: readonly Word[];
    readonly engine: string;
  };
  "prosody.measured": {
    readonly segment: number;
    readonly features: Features;
  };
  "emotion.scored": { readonly segment: number; readonly score: EmotionScore };
  "emotion.shifted": { readonly shift: EmotionShift };
  "voice.recalled": { readonly normal: VoiceNormal; readonly source: string };
  "voice.learned": { readonly normal: VoiceNormal };
  "coaching.hinted": {
    readonly kind: HintKind;
    /** Media time that led to the hint. */
    readonly span: Span;
    readonly reason: Wording;
    readonly suggestion: Wording;
    readonly evidence: readonly number[];
  };
  "agent.tone_allowed": { readonly legal_basis: string };
  "agent.tone_scored": { readonly segment: number; readonly tone: AgentTone };
  "intent.recognized": {
    readonly segment: number;
    readonly label: string;
    readonly grade: Grade;
    readonly confidence: number;
    readonly model_version: string;
  };
  "keypoint.found": Mark & { readonly tag: KeyPointTag; readonly value: string | null };
  "entity.found": Mark & { readonly kind: string; readonly value: string };
  "knowledge.suggested": {
    readonly segment: number;
    readonly entries: readonly string[];
    readonly source: string;
  };
  "suggestion.used": { readonly entry: string; readonly by: string };
  "priority.changed": Verdict & { readonly previous: number; readonly current: number };
  "route.decided": Verdict & {
    readonly target: Target;
    /** The desk's queue; null for the default one. Logs of older servers lack both. */
    readonly queue?: string | null;
    readonly skills?: readonly { readonly name: string; readonly level: number }[];
  };
  /** What the policy looked at and came to; the changes follow as events of their own. */
  "decision.made": {
    readonly segment: number | null;
    readonly target: Target;
    readonly priority: number;
    readonly rules: readonly string[];
    /** `value` is JSON. */
    readonly facts: readonly { readonly fact: string; readonly value: string; readonly evidence: readonly number[] }[];
    readonly policy_version: string;
    /** What the caller is told. */
    readonly announce: Wording | null;
    /** What whoever serves is told. */
    readonly hints: readonly Wording[];
    /** Names of the facts that made the rules hold; logs of older servers lack it. */
    readonly because?: readonly string[];
    /** The rule that announces; null where nothing is announced, and in logs of older servers. */
    readonly announced_by?: string | null;
  };
  /** The caller is told what a rule announces: on their page, and aloud where `spoken`. */
  "announcement.made": { readonly rule: string; readonly text: Wording; readonly spoken: boolean };
  "bot.said": { readonly text: string; readonly sources: readonly string[]; readonly completed: boolean };
  "prompt.played": { readonly prompt: string; readonly disclosure: boolean; readonly completed: boolean };
  "handover.requested": { readonly ticket: string; readonly reason: Wording };
  "handover.offered": { readonly ticket: string; readonly agent: string };
  "handover.accepted": { readonly ticket: string; readonly agent: string };
  "handover.bridged": { readonly ticket: string; readonly agent: string };
  "handover.failed": {
    readonly ticket: string;
    readonly code: HandoverFailure;
    readonly agent: string | null;
    /** Who looks after the caller, who keeps the place in the queue; logs of older servers lack it. */
    readonly back_to?: "ai" | "queue" | null;
  };
  /** The caller waits while the agent who serves talks to somebody else, whom `consult.answered` says to be there. */
  "consult.started": { readonly consult: string; readonly by: string; readonly target: TransferTarget };
  "consult.answered": { readonly consult: string };
  /** Whoever is consulted has lost their leg; `consult.answered` says that they are back. */
  "consult.awaited": { readonly consult: string; readonly grace_s: number };
  "consult.ended": { readonly consult: string; readonly reason: ConsultEnd };
  "transfer.requested": {
    readonly transfer: string;
    readonly by: string;
    readonly kind: TransferKind;
    readonly target: TransferTarget;
  };
  "transfer.accepted": { readonly transfer: string };
  "transfer.completed": { readonly transfer: string };
  /** The caller is with whoever served, unless one of them is gone. */
  "transfer.failed": { readonly transfer: string; readonly code: TransferFailure };
  "dtmf.received": { readonly party: Party; readonly digit: string };
  "note.written": { readonly author: string; readonly text: string };
  "summary.prepared": { readonly text: string; readonly evidence: readonly number[] };
  "call.wrapped_up": { readonly agent: string; readonly disposition: string };
  "stage.failed": { readonly stage: Stage; readonly code: string; readonly segment: number | null };
}

export type EventType = keyof EventBodies;

interface Head<T extends EventType> {
  readonly call: string;
  /** Gapless from 0 within the call. */
  readonly seq: number;
  readonly at_ms: number;
  readonly type: T;
}

export type EventOf<T extends EventType> = Head<T> & EventBodies[T];

/** One event, discriminated by `type`. */
export type WireEvent = { [T in EventType]: EventOf<T> }[EventType];

/** What the call list knows of a call. */
export interface CallSummary {
  readonly call: string;
  readonly started_at: string;
  readonly channel: Channel;
  readonly caller: string;
  readonly called: string;
  readonly language: string;
  readonly ended: boolean;
  readonly duration_ms: number | null;
  readonly priority: number;
  readonly route: Target | null;
  readonly route_reason: Wording | null;
  readonly level: Level;
  /** [0, 1]; older servers do not send it. */
  readonly risk?: number | null;
  readonly intent: string | null;
  readonly last_text: string;
  readonly last_seq: number;
  /** An agent who is asked to join the call so (POST …/legs), or to decline (DELETE …/consult, …/transfer). */
  readonly asked?: { readonly agent: string; readonly by: string; readonly to: "consult" | "serve" } | null;
  /** Who is consulted and has been on the line; `awaited` where their leg is gone and they may come back. Older servers do not send it. */
  readonly consulted?: { readonly agent: string; readonly by: string; readonly awaited: boolean } | null;
  readonly recording: boolean;
}
