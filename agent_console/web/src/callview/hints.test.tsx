// @vitest-environment happy-dom
import { act, type ReactNode } from "react";
import { createRoot, type Root } from "react-dom/client";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { TextProvider } from "../i18n/text";
import { hint, Log, oneSentence, say, tracked } from "../testing/events";
import type { WireEvent } from "../wire/events";
import { fold } from "../wire/fold";
import { emptyView } from "../wire/state";
import { HintDock } from "./HintDock";
import { HintList } from "./HintList";
import { evidenceOf, joinMarks } from "./hints";
import { Why } from "./Why";

let root: Root;
let host: HTMLElement;

beforeEach(() => {
  vi.stubGlobal("IS_REACT_ACT_ENVIRONMENT", true);
  localStorage.setItem("warmline.language", "en");
  sessionStorage.clear();
  host = document.body.appendChild(document.createElement("div"));
  root = createRoot(host);
});

afterEach(() => {
  act(() => root.unmount());
  host.remove();
});

const show = (node: ReactNode): void => act(() => root.render(<TextProvider>{node}</TextProvider>));
const all = (id: string) => [...host.querySelectorAll<HTMLElement>(`[data-testid=${id}]`)];
const kinds = () => all("hint").map((one) => one.dataset.kind);
const press = (id: string): void => act(() => all(id)[0]?.click());
const viewOf = (events: readonly WireEvent[]) => fold(emptyView("c1"), events).view;
const ignore = (): void => undefined;

function hinted(): Log {
  const log = new Log();
  say(log, 0, 1, 4, tracked(0.1, 0, 0.2, 0.1));
  say(log, 1, 5, 8, tracked(0.5, -0.4, 0.2, 0.6));
  hint(log, "long_silence", 12, [0]);
  return hint(log, "rising_frustration", 20, [0, 1]);
}

const dock = (log: Log, live = true, jump: (segment: number) => void = ignore): void =>
  show(<HintDock view={viewOf(log.events)} nowMs={32_000} live={live} onJump={jump} />);

it("shows the newest hint and folds those before it away", () => {
  dock(hinted());
  expect(kinds()).toEqual(["rising_frustration"]);
  expect(all("hint")[0]?.textContent).toContain("say rising_frustration");
  expect(all("hint")[0]?.textContent).toContain("12 s ago");
  press("hints-more");
  expect(kinds()).toEqual(["rising_frustration", "long_silence"]);
});

it("says a new hint aloud, politely, and nothing of hints that were there before", () => {
  dock(hinted(), false);
  expect(all("hint-announcer")[0]?.textContent).toBe("");
  dock(hinted());
  const announcer = all("hint-announcer")[0];
  expect(announcer?.getAttribute("aria-live")).toBe("polite");
  expect(announcer?.textContent).toBe("Coaching hint, Frustration is rising: say rising_frustration");
});

it("lets the agent put a hint away, for good, and read it again", () => {
  dock(hinted());
  press("hint-dismiss");
  expect(kinds()).toEqual([]);
  expect(all("hint-announcer")[0]?.textContent).toBe("");
  act(() => root.unmount());
  root = createRoot(host);
  dock(hinted());
  expect(kinds()).toEqual([]);
  press("hints-more");
  expect(kinds()).toEqual(["rising_frustration", "long_silence"]);
  dock(hint(hinted(), "talking_over", 30));
  expect(kinds()[0]).toBe("talking_over");
});

it("leads to the newest words behind a hint", () => {
  const jumps: number[] = [];
  dock(hinted(), true, (segment) => jumps.push(segment));
  press("hint-jump");
  press("evidence");
  expect(jumps).toEqual([1, 0]);
});

it("leads to the last words before a hint that names none, or none that is known", () => {
  const view = viewOf(hinted().events);
  const [first] = view.hints;
  if (first === undefined) throw new Error("There is no hint.");
  expect(evidenceOf({ ...first, evidence: [] }, view.segments)).toEqual([1]);
  expect(evidenceOf({ ...first, evidence: [9], span: { start_ms: 0, end_ms: 4500 } }, view.segments)).toEqual([0]);
  expect(evidenceOf({ ...first, evidence: [] }, new Map())).toEqual([]);
});

it("lists every hint of a recorded call, newest first, also kinds that it does not know", () => {
  show(<HintList view={viewOf(hint(hinted(), "speaking_too_softly", 25).events)} onJump={ignore} />);
  expect(kinds()).toEqual(["speaking_too_softly", "rising_frustration", "long_silence"]);
  expect(all("hint")[0]?.querySelector("h3")?.textContent).toBe("speaking_too_softly");
  expect(all("hint-dismiss")).toEqual([]);
});

it("joins marks that would lie on one another", () => {
  const { hints } = viewOf(hint(hinted(), "talking_over", 21).events);
  const marks = joinMarks(hints, (ms) => ms / 100, 24);
  expect(marks.map((one) => [one.at, one.hints.map((hint) => hint.kind)])).toEqual([
    [120, ["long_silence"]],
    [200, ["rising_frustration", "talking_over"]],
  ]);
});

it("explains an utterance without contributions, with a label and features from a newer server", () => {
  const log = new Log();
  log.events.push(...oneSentence().slice(0, 2));
  const mood = { ...tracked(0.2, 0, 0.2, 0.1), label: "amused", contributions: undefined };
  log.add("prosody.measured", { segment: 0, features: { f0_median_hz: 200, warmth: 3, f0_contour_hz: [null] } });
  log.add("emotion.scored", { segment: 0, score: mood as never });
  show(<Why segment={viewOf(log.events).segments.get(0) ?? null} agentTone={false} />);
  expect(all("why")[0]?.textContent).toContain("amused");
  expect(all("voice")[0]?.textContent).toContain("200 Hz");
  expect(all("melody")).toEqual([]);
});

it("shows an agent's tone only where it was measured, and says that it counts for nothing", () => {
  const log = new Log().add("speech.started", { party: "agent", segment: 0, start_ms: 0 });
  const segment = () => viewOf(log.events).segments.get(0) ?? null;
  show(<Why segment={segment()} agentTone={false} />);
  expect(all("why")[0]?.textContent).toContain("the emotion of agents never is");
  log.add("agent.tone_scored", { segment: 0, tone: { arousal: 0.31, confidence: 0.62 } });
  show(<Why segment={segment()} agentTone />);
  expect(all("agent-tone")[0]?.textContent).toBe("Arousal +0.31 · 62% confidence · Never part of reports or ratings.");
});
