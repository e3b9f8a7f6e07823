/** Who is on a call besides the caller, and how the audio of each comes through: a part of the view's fold. */

import type { EventOf, Party, SupervisionMode, WireEvent } from "./events";

export interface People {
  /** The agents who serve the call; who came last stands last. */
  readonly agents: readonly string[];
  /** Supervisors on the call and what they take part in. */
  readonly supervisors: ReadonlyMap<string, SupervisionMode>;
  /** The legs that are muted, by `legOf`. */
  readonly muted: ReadonlySet<string>;
  readonly recordingPaused: boolean;
  /** The caller's own telephone has put us on hold. */
  readonly callerHolds: boolean;
  /** The agent whose leg is gone and who is waited for. */
  readonly awaited: string | null;
  /** The newest measurement of each leg, by `legOf`. */
  readonly quality: ReadonlyMap<string, EventOf<"media.measured">>;
}

export const nobody: People = {
  agents: [],
  supervisors: new Map(),
  muted: new Set(),
  recordingPaused: false,
  callerHolds: false,
  awaited: null,
  quality: new Map(),
};

/** The name of a leg: the party, and which agent where it is one. */
export const legOf = (party: Party, agent: string | null): string => (agent === null ? party : `${party}:${agent}`);

/** The people after one more event; an event about something else changes nothing. */
export function readPeople(people: People, event: WireEvent): People {
  switch (event.type) {
    case "call.ended":
      // The last measurements stay: they tell afterwards how the call sounded.
      return { ...nobody, quality: people.quality };
    case "party.joined":
      if (event.agent === null) return people;
      return { ...people, awaited: null, agents: [...without(people.agents, event.agent), event.agent] };
    case "agent.awaited":
      return { ...people, awaited: event.agent };
    case "handover.failed":
      return { ...people, awaited: null };
    case "party.left":
      return gone(people, event.party, event.agent);
    case "party.muted":
      return { ...people, muted: new Set(people.muted).add(legOf(event.party, event.agent)) };
    case "party.unmuted":
      return { ...people, muted: new Set(without([...people.muted], legOf(event.party, event.agent))) };
    case "recording.paused":
      return { ...people, recordingPaused: true };
    case "recording.resumed":
      return { ...people, recordingPaused: false };
    case "supervision.started":
    case "supervision.changed":
      return { ...people, supervisors: new Map(people.supervisors).set(event.supervisor, event.mode) };
    case "supervision.ended":
      return { ...people, supervisors: dropped(people.supervisors, event.supervisor) };
    case "media.measured":
      return { ...people, quality: new Map(people.quality).set(legOf(event.party, event.agent), event) };
    default:
      return people;
  }
}

function gone(people: People, party: Party, agent: string | null): People {
  const leg = legOf(party, agent);
  return {
    ...people,
    agents: agent === null ? people.agents : without(people.agents, agent),
    muted: new Set(without([...people.muted], leg)),
    quality: dropped(people.quality, leg),
  };
}

const without = (all: readonly string[], one: string): readonly string[] => all.filter((other) => other !== one);

function dropped<V>(all: ReadonlyMap<string, V>, key: string): ReadonlyMap<string, V> {
  const rest = new Map(all);
  rest.delete(key);
  return rest;
}
