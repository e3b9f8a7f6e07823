/** Whom an agent may ask, in the order in which they are of use. */

import type { DeskAgent } from "../wire/desk";

export const isFree = (one: DeskAgent): boolean => one.presence === "ready" && one.reservation === null;

export const nameOf = (one: Pick<DeskAgent, "agent" | "name">): string => (one.name === "" ? one.agent : one.name);

/** Everybody but me who is signed in: the free ones first, then by name; those whose name or skills hold what is looked for. */
export function colleagues(
  agents: readonly DeskAgent[],
  me: string,
  wanted: string,
  skillName: (id: string) => string,
): readonly DeskAgent[] {
  const words = wanted.trim().toLocaleLowerCase().split(/\s+/);
  const text = (one: DeskAgent): string =>
    [one.agent, one.name, ...Object.keys(one.skills).flatMap((id) => [id, skillName(id)])].join(" ").toLocaleLowerCase();
  return agents
    .filter((one) => one.agent !== me && one.presence !== "offline")
    .filter((one) => words.every((word) => text(one).includes(word)))
    .sort((a, b) => Number(isFree(b)) - Number(isFree(a)) || nameOf(a).localeCompare(nameOf(b)));
}
