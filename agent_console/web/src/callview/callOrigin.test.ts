import { expect, it } from "vitest";
import type { EventBodies, EventOf } from "../wire/events";
import { originOf, readDiversion } from "./callOrigin";

const started = (change: Partial<EventBodies["call.started"]>): EventOf<"call.started"> => ({
  call: "c1",
  seq: 0,
  at_ms: 0,
  type: "call.started",
  direction: "inbound",
  channel: "sip",
  caller: "+8613800138000",
  called: "4001",
  language: "zh",
  started_at: "2026-11-22T08:00:00Z",
  ...change,
});

it("tells the number that was dialled, the caller's name, the diversion, and the rest apart", () => {
  const attributes = [
    { name: "sip.trunk", value: "carrier" },
    { name: "sip.caller_name", value: "王小明" },
    { name: "diversion", value: '"Office" <sip:+8610666@pbx>;reason=user-busy;privacy=off' },
  ];
  expect(originOf(started({ attributes }))).toEqual({
    called: "4001",
    callerName: "王小明",
    diversion: { from: "+8610666", reason: "user-busy" },
    callbackOf: null,
    more: [["sip.trunk", "carrier"]],
  });
});

it("leads from a callback to the call that asked for it, and believes that of no call that came in", () => {
  const attributes = [
    { name: "callback.of", value: "c0" },
    { name: "callback.attempt", value: "2" },
  ];
  expect(originOf(started({ direction: "outbound", attributes }))).toMatchObject({ callbackOf: "c0", more: [] });
  expect(originOf(started({ attributes })).callbackOf).toBeNull();
});

it("knows no dialled number of a call from a browser, and nothing where nothing was told", () => {
  expect(originOf(started({ channel: "webrtc" }))).toEqual({ called: null, callerName: null, diversion: null, callbackOf: null, more: [] });
  expect(originOf(null).more).toEqual([]);
});

it.each([
  ["<tel:+8610666>", "+8610666", null],
  ["sip:4002@pbx;reason=No-Answer", "4002", "no-answer"],
  ['<sips:a%20b@pbx>;reason="unknown"', "a%20b", null],
  ["<<<>>>;;;", "<<<>>>;;;", null],
  ["<sip:>", "<sip:>", null],
])("reads %s", (header, from, reason) => expect(readDiversion(header)).toEqual({ from, reason }));

it("takes a blank header for none", () => expect(readDiversion("  ")).toBeNull());
