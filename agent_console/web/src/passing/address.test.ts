import { expect, it } from "vitest";
import { readAddress } from "./address";

const outside = { prefixes: ["+86", "010", "8"], domains: ["pbx.example", "127.0.0.1"] };

it.each([
  ["+86 10-1234 5678", "tel:+861012345678"],
  ["010(1234)5678", "tel:01012345678"],
  ["tel:8001", "tel:8001"],
  ["lin@pbx.example", "sip:lin@pbx.example"],
  ["sip:lin@PBX.example", "sip:lin@PBX.example"],
  ["sips:lin@pbx.example:5061", "sips:lin@pbx.example:5061"],
  ["100@127.0.0.1:5080", "sip:100@127.0.0.1:5080"],
])("reads %s as %s", (text, uri) => {
  expect(readAddress(text, outside)).toEqual({ ok: true, uri });
});

it.each([
  ["  ", "empty"],
  ["hello", "malformed"],
  ["https://pbx.example", "malformed"],
  ["a b@pbx.example", "malformed"],
  ["lin@pbx.example?Replaces=x", "malformed"],
  ["lin@pbx.example;method=REFER", "malformed"],
  ["9", "malformed"],
  ["900123", "prefix"],
  ["lin@elsewhere.example", "domain"],
])("refuses %j: %s", (text, why) => {
  expect(readAddress(text, outside)).toEqual({ ok: false, why });
});

it("calls nobody where no trunk does", () => {
  expect(readAddress("8001", { prefixes: [], domains: [] })).toEqual({ ok: false, why: "prefix" });
});
