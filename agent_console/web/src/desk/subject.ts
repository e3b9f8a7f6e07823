import type { DeskSnapshot } from "./desk";

/** Which call the agent's desk is about: on the phone, offered, the one I am asked about, or the one just served. */
export function subjectOf(
  desk: Pick<DeskSnapshot, "offer" | "agent" | "presence">,
  onPhone: string | null,
  lastServed: string | null,
  askedAbout: string | null = null,
): string | null {
  const mine = onPhone ?? desk.agent?.calls[0] ?? desk.offer?.call ?? askedAbout;
  return mine ?? (desk.presence === "after_call" ? lastServed : null);
}
