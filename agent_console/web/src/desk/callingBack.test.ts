import { describe, expect, it } from "vitest";
import { Log } from "../testing/events";
import { beginCalling, lookFor, missedIn } from "./callingBack";

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

describe("a callback that came to nothing", () => {
  const log = new Log().add("callback.dialled", { agent: "mei", attempt: 1 });

  it("is waited for while the log says that it rings, and nothing where nothing is known", () => {
    expect(missedIn(log.events)).toBe("unwritten");
    expect(missedIn([])).toBeNull();
  });

  it("says why, and whether it is tried again, by what the log says last", () => {
    log.add("callback.failed", { agent: "mei", code: "busy", given_up: false });
    expect(missedIn(log.events)).toEqual({ code: "busy", givenUp: false });
    log.add("callback.dialled", { agent: "mei", attempt: 2 });
    log.add("callback.failed", { agent: "mei", code: "no_answer", given_up: true });
    expect(missedIn(log.events)).toEqual({ code: "no_answer", givenUp: true });
  });

  it("says nothing where I gave it back myself", () => {
    log.add("callback.failed", { agent: "mei", code: "withdrawn", given_up: false });
    expect(missedIn(log.events)).toBeNull();
  });
});
