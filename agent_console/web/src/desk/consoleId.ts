/** The name of this tab towards the desk: two tabs of one agent do not get the same caller. */

const STORED_AS = "warmline.console";

export function consoleId(): string {
  const known = sessionStorage.getItem(STORED_AS);
  if (known !== null) return known;
  const made = crypto.randomUUID();
  sessionStorage.setItem(STORED_AS, made);
  return made;
}
