import type { DeskSnapshot } from "./desk";

/** Which call the agent's desk is about: the one on the phone, the one that is offered, the one just served. */
export function subjectOf(
  desk: Pick<DeskSnapshot, "offer" | "agent" | "presence">,
  onPhone: string | null,
  lastServed: string | null,
): string | null {
  const mine = onPhone ?? desk.agent?.calls[0] ?? desk.offer?.call ?? null;
  return mine ?? (desk.presence === "after_call" ? lastServed : null);
}
