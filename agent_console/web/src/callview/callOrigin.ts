/** From where a call came, as far as its first event tells. */

import type { EventOf } from "../wire/events";

export interface Diversion {
  readonly from: string;
  /** As the header names it; null where it gives none. */
  readonly reason: string | null;
}

export interface CallOrigin {
  /** The number that was dialled; null where calls have none. */
  readonly called: string | null;
  readonly callerName: string | null;
  readonly diversion: Diversion | null;
  /** The call whose caller asked to be called back, which this one does; null for any other. */
  readonly callbackOf: string | null;
  /** Whatever else came with the call: name and value. */
  readonly more: readonly (readonly [string, string])[];
}

const NOWHERE: CallOrigin = { called: null, callerName: null, diversion: null, callbackOf: null, more: [] };

export function originOf(started: EventOf<"call.started"> | null): CallOrigin {
  if (started === null) return NOWHERE;
  const attributes = new Map((started.attributes ?? []).map((one) => [one.name, one.value]));
  const take = (name: string): string | null => {
    const value = attributes.get(name) ?? null;
    attributes.delete(name);
    return value;
  };
  const callerName = take("sip.caller_name");
  const diversion = readDiversion(take("diversion"));
  // Ours, and nobody else's to claim: only of a call that we made.
  const callbackOf = started.direction === "outbound" ? take("callback.of") : null;
  if (callbackOf !== null) take("callback.attempt");
  const dialled = started.channel === "sip" || started.channel === "stream";
  return { called: dialled ? started.called : null, callerName, diversion, callbackOf, more: [...attributes] };
}

/**
 * The address and reason of a Diversion header (RFC 5806), `"Office" <sip:+861012@pbx>;reason=user-busy`.
 *
 * A value that is no such header is shown as it came: it is the other side's.
 */
export function readDiversion(header: string | null): Diversion | null {
  if (header === null || header.trim() === "") return null;
  const uri = /<\s*(?:sips?|tel):([^>;@]+)/i.exec(header)?.[1] ?? /^\s*(?:sips?|tel):([^;@\s]+)/i.exec(header)?.[1];
  const reason = /;\s*reason\s*=\s*"?([A-Za-z-]+)/i.exec(header)?.[1]?.toLowerCase() ?? null;
  return { from: uri ?? header, reason: reason === "unknown" ? null : reason };
}
