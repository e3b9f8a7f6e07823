// @vitest-environment happy-dom
import { act, type ReactNode } from "react";
import { createRoot, type Root } from "react-dom/client";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { TextProvider } from "../i18n/text";
import { Log, oneSentence } from "../testing/events";
import type { WireEvent } from "../wire/events";
import { fold } from "../wire/fold";
import { emptyView } from "../wire/state";
import { CallHeader } from "./CallHeader";
import { DecisionLog } from "./DecisionLog";
import { Failures } from "./Failures";
import { Transcript } from "./Transcript";

let root: Root;
let host: HTMLElement;

beforeEach(() => {
  vi.stubGlobal("IS_REACT_ACT_ENVIRONMENT", true);
  localStorage.setItem("warmline.language", "zh-CN");
  host = document.body.appendChild(document.createElement("div"));
  root = createRoot(host);
});

afterEach(() => {
  act(() => root.unmount());
  host.remove();
});

function show(node: ReactNode): void {
  act(() => root.render(<TextProvider>{node}</TextProvider>));
}

const viewOf = (events: readonly WireEvent[]) => fold(emptyView("c1"), events).view;
const all = (id: string) => [...host.querySelectorAll<HTMLElement>(`[data-testid=${id}]`)];
const ignore = (): void => undefined;

function transcript(events: readonly WireEvent[], live = true, choose: (segment: number) => void = ignore): void {
  show(
    <Transcript
      view={viewOf(events)}
      live={live}
      selected={null}
      heard={null}
      seeks={false}
      onChoose={choose}
    />,
  );
}

it("replaces a partial in place and says aloud the final only", () => {
  const events = oneSentence();
  transcript(events.slice(0, 3));
  const [line] = all("segment");
  expect(line?.dataset.final).toBe("false");
  expect(line?.textContent).toContain("我的订单");
  expect(all("announcer")[0]?.textContent).toBe("");

  transcript(events);
  expect(all("segment")).toHaveLength(1);
  expect(all("segment")[0]).toBe(line);
  expect(line?.dataset.final).toBe("true");
  expect(all("segment-text")[0]?.textContent).toBe("我的订单3081还没到。");
  expect(all("announcer")[0]?.textContent).toBe("来电者：我的订单3081还没到。");
});

it("marks key points inside the words and names their kind", () => {
  transcript(oneSentence());
  expect(all("keypoint").map((one) => [one.dataset.tag, one.textContent])).toEqual([["identifier", "3081"]]);
  expect(all("keypoint-tag").map((one) => one.textContent)).toEqual(["标识"]);
});

it("says nothing aloud while it shows what was said before", () => {
  transcript(oneSentence(), false);
  expect(all("announcer")[0]?.textContent).toBe("");
});

it("lets the keyboard choose an utterance", () => {
  const chosen: number[] = [];
  transcript(oneSentence(), true, (segment) => chosen.push(segment));
  act(() => host.querySelector<HTMLButtonElement>("button.segment-time")?.click());
  expect(chosen).toEqual([0]);
});

it("shows route and priority with reason and evidence that leads to the words", () => {
  const log = new Log();
  log.events.push(...oneSentence());
  const verdict = { rule: "r", reason: { zh: "要求人工", en: "asked" }, evidence: [0], policy_version: "7" };
  log.add("priority.changed", { previous: 0, current: 78, ...verdict });
  log.add("route.decided", { target: "human", ...verdict });
  const view = viewOf(log.events);
  const jumps: number[] = [];
  show(
    <>
      <CallHeader view={view} durationMs={4000} onJump={(segment) => jumps.push(segment)} />
      <DecisionLog view={view} onJump={ignore} />
    </>,
  );
  expect(all("route")[0]?.dataset.value).toBe("human");
  expect(all("route")[0]?.textContent).toContain("要求人工");
  expect(all("priority")[0]?.dataset.value).toBe("78");
  act(() => all("route")[0]?.querySelector<HTMLButtonElement>("[data-testid=evidence]")?.click());
  expect(jumps).toEqual([0]);
  expect(all("decision").map((one) => one.dataset.type)).toEqual(["priority.changed route.decided"]);
});

it("tells how a hand-over goes in words, not in codes", () => {
  const log = new Log();
  log.events.push(...oneSentence());
  const ticket = "t-1";
  log.add("handover.requested", { ticket, reason: { zh: "要求人工", en: "asked" } });
  log.add("handover.failed", { ticket, code: "nobody_signed_in", agent: null, back_to: "ai" });
  log.add("handover.offered", { ticket, agent: "mei" });
  log.add("handover.accepted", { ticket, agent: "mei" });
  log.add("handover.bridged", { ticket, agent: "mei" });
  show(<DecisionLog view={viewOf(log.events)} onJump={ignore} />);
  const told = all("decision").map((one) => one.textContent);
  expect(told).toHaveLength(5);
  expect(told.join()).not.toMatch(/nobody_signed_in|_/);
  expect(told[0]).toContain("接通");
  expect(told[3]).toMatch(/没有坐席在线.*位置保留/);
});

it("shows the same failure of many utterances once, in words, with the latest of them", () => {
  const log = new Log();
  for (const segment of [0, 1, 2, 3]) {
    log.add("stage.failed", { stage: "detection", code: "turn.answer", segment });
  }
  log.add("stage.failed", { stage: "recording", code: "disk.full", segment: null });
  show(<Failures view={viewOf(log.events)} onJump={ignore} />);
  const [many, whole] = all("failure");
  expect(many?.textContent).toContain("停顿判断迟到");
  expect(many?.textContent).toContain("共 4 次");
  expect(all("evidence").map((link) => link.dataset.evidence)).toEqual(["1", "2", "3"]);
  expect(whole?.textContent).toContain("录音：disk.full");
  expect(whole?.textContent).toContain("从此刻起没有这个环节");
});
