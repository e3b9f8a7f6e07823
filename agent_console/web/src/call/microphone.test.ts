import { expect, it } from "vitest";
import { Problem } from "../wire/http";
import { meterLevel } from "./LevelMeter";
import { explainMicrophone, obstacle, PhoneError } from "./microphone";
import { explain } from "./line";

it.each([
  ["NotAllowedError", "refused"],
  ["NotFoundError", "missing"],
  ["NotReadableError", "busy"],
  ["TypeError", "unsupported"],
])("reads %s as %s", (name, problem) => expect(explainMicrophone(name)).toBe(problem));

it("names an insecure page before a missing interface", () => {
  expect(obstacle({ secure: false, capture: false, peer: true })).toBe("insecure");
  expect(obstacle({ secure: true, capture: false, peer: true })).toBe("unsupported");
  expect(obstacle({ secure: true, capture: true, peer: true })).toBeNull();
});

it("tells a full server, one out of reach and a refusal apart", () => {
  expect(explain(new Problem(503, "capacity.exceeded", "full", "", 7))).toMatchObject({
    problem: "full",
    retryAfterS: 7,
  });
  expect(explain(new Problem(0, "network.unreachable", "down")).problem).toBe("unreachable");
  expect(explain(new Problem(400, "webrtc.sdp", "bad"))).toMatchObject({ problem: "rejected", code: "webrtc.sdp" });
  const own = new PhoneError("busy");
  expect(explain(own)).toBe(own);
});

it("measures silence as nothing, a full tone as everything, and speech between", () => {
  const tone = (amplitude: number) => Float32Array.from({ length: 1024 }, (_, i) => amplitude * Math.sin(i / 5));
  expect(meterLevel(new Float32Array(1024))).toBe(0);
  expect(meterLevel(tone(1))).toBe(1);
  const speech = meterLevel(tone(0.05));
  expect(speech).toBeGreaterThan(0.4);
  expect(speech).toBeLessThan(0.7);
});
