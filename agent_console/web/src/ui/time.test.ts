import { expect, it } from "vitest";
import { clock, moment } from "./time";

it.each([
  [0, "00:00"],
  [42_900, "00:42"],
  [600_000, "10:00"],
  [3_723_000, "1:02:03"],
  [-5, "00:00"],
])("writes %d ms as %s", (ms, text) => expect(clock(ms)).toBe(text));

it("leaves the date away today only", () => {
  const now = new Date(2026, 10, 22, 12);
  expect(moment(new Date(2026, 10, 22, 8, 5).toISOString(), "en", now)).toBe("08:05");
  expect(moment(new Date(2026, 10, 21, 8, 5).toISOString(), "en", now)).toMatch(/Nov 21.*08:05/);
  expect(moment("soon", "en", now)).toBe("soon");
});
