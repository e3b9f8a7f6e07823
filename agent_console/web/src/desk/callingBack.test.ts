import { describe, expect, it } from "vitest";
import { beginCalling, lookFor } from "./callingBack";

describe("a callback that was accepted", () => {
  const begun = beginCalling("asked", ["other"]);

  it("rings until another call is mine, which is joined", () => {
    const rings = lookFor(begun, ["other", "asked"]);
    expect(rings).toEqual({ state: "rings", calling: { ...begun, seen: true } });
    expect(lookFor(begun, ["other", "new"])).toEqual({ state: "answered", call: "new" });
  });

  it("is over when it was mine and is no more", () => {
    expect(lookFor({ ...begun, seen: true }, ["other"])).toEqual({ state: "over" });
  });

  it("is not taken for over before the desk was asked, nor waited for without end", () => {
    let calling = begun;
    for (let look = 1; look < 5; look += 1) {
      const found = lookFor(calling, ["other"]);
      if (found.state !== "rings") throw new Error(`look ${look} ended it`);
      calling = found.calling;
    }
    expect(lookFor(calling, ["other"])).toEqual({ state: "over" });
  });
});
