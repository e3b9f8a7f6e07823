import { expect, it } from "vitest";
import { destination } from "./destination";

it.each([
  ["/qa/c1?x=1", "/qa/c1?x=1"],
  [null, "/"],
  ["//evil.example", "/"],
  ["/\\evil.example", "/"],
  ["https://evil.example", "/"],
  ["/login?next=/", "/"],
])("leads from %s to %s", (next, to) => expect(destination(next)).toBe(to));
