/** What a person types to reach somebody outside, read as an address that can be called. */

import type { Outside } from "../wire/desk";

export type Read =
  | { readonly ok: true; readonly uri: string }
  | { readonly ok: false; readonly why: "empty" | "malformed" | "prefix" | "domain" };

/** People write these between digits. */
const SEPARATORS = /[-.() ]/g;
const NUMBER = /^\+?[0-9*#]{2,32}$/;
const ADDRESS = /^(?:(sips?):)?([A-Za-z0-9_.!~*'()&=+$,?/%#-]{1,64})@([A-Za-z0-9.-]{1,100}|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?$/;

/** Read a number, or an address like name@domain; what no trunk calls is refused before it is asked. */
export function readAddress(text: string, { prefixes, domains }: Outside): Read {
  const typed = text.trim();
  if (typed === "") return { ok: false, why: "empty" };
  const number = typed.replace(/^tel:/i, "").replace(SEPARATORS, "");
  if (NUMBER.test(number)) {
    if (!prefixes.some((one) => number.startsWith(one))) return { ok: false, why: "prefix" };
    return { ok: true, uri: `tel:${number}` };
  }
  const found = ADDRESS.exec(typed);
  if (found === null) return { ok: false, why: "malformed" };
  const [, scheme, , domain = ""] = found;
  if (!domains.includes(domain.toLowerCase())) return { ok: false, why: "domain" };
  return { ok: true, uri: scheme === undefined ? `sip:${typed}` : typed };
}

/** An address as people read it. */
export const showAddress = (uri: string): string => uri.replace(/^(tel|sips?):/, "");
