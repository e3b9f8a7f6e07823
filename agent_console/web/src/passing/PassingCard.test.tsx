// @vitest-environment happy-dom
import { act } from "react";
import { createRoot, type Root } from "react-dom/client";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { WorkplaceContext, type Workplace } from "../desk/workplace";
import { TextProvider } from "../i18n/text";
import { Log } from "../testing/events";
import { fold } from "../wire/fold";
import { emptyView } from "../wire/state";
import { PassingCard } from "./PassingCard";

const lin = { kind: "agent", address: "lin" } as const;
const phone = {
  subscribe: () => () => undefined,
  snapshot: () => state,
  hold: vi.fn(() => Promise.resolve(true)),
  goBack: vi.fn(() => Promise.resolve(true)),
  handOver: vi.fn(() => Promise.resolve(true)),
  takeBack: vi.fn(() => Promise.resolve(true)),
};
const state = { doing: null, state: "connected" };
const place = { session: { user: "mei", name: "", role: "agent" }, phone } as unknown as Workplace;
let root: Root;
let host: HTMLElement;

beforeEach(() => {
  vi.stubGlobal("IS_REACT_ACT_ENVIRONMENT", true);
  vi.clearAllMocks();
  host = document.body.appendChild(document.createElement("div"));
  root = createRoot(host);
});

afterEach(() => {
  act(() => root.unmount());
  host.remove();
});

function show(log: Log, language = "zh-CN"): void {
  localStorage.setItem("warmline.language", language);
  const { view } = fold(emptyView(log.call), log.events);
  act(() =>
    root.render(
      <TextProvider>
        <WorkplaceContext value={place}>
          <PassingCard view={view} nowMs={12_345} />
        </WorkplaceContext>
      </TextProvider>,
    ),
  );
}
const buttons = (): string[] => [...host.querySelectorAll("button")].map((one) => one.textContent);
const press = (id: string): void => act(() => host.querySelector<HTMLElement>(`[data-testid=${id}]`)?.click());

const asked = () => new Log().add("call.held", { by: "mei" }).add("consult.started", { consult: "k", by: "mei", target: lin });
const answered = () => asked().add("consult.answered", { consult: "k" });

it("says who is asked, for how long, and leads back", () => {
  show(asked());
  expect(host.querySelector("h2")?.textContent).toBe("正在请 lin 接听");
  expect(host.textContent).toContain("响铃 12 秒");
  expect(buttons()).toEqual(["取消，回到来电者"]);
  press("passing-back");
  expect(phone.goBack).toHaveBeenCalledTimes(1);
});

it("offers a conference, the caller, and the way back while two talk, and to part again while three do", () => {
  show(answered());
  expect(buttons()).toEqual(["三方通话", "转给 lin", "结束商谈"]);
  press("passing-join");
  expect(phone.hold).toHaveBeenLastCalledWith(false);
  press("passing-hand-over");
  expect(phone.handOver).toHaveBeenCalledTimes(1);
  show(answered().add("call.resumed", { by: "mei" }));
  expect(buttons()[0]).toBe("让来电者等候");
  press("passing-part");
  expect(phone.hold).toHaveBeenLastCalledWith(true);
});

it("says that whoever is consulted is away, whom the caller hears, and ends it where nobody wants to wait", () => {
  const away = () => answered().add("consult.awaited", { consult: "k", grace_s: 15 });
  show(away());
  expect(host.querySelector("h2")?.textContent).toBe("lin 断线了，正在等对方回来");
  expect(host.textContent).toContain("听不到您");
  expect(buttons()).toEqual(["结束商谈"]);
  press("passing-back");
  expect(phone.goBack).toHaveBeenCalledTimes(1);
  show(answered().add("call.resumed", { by: "mei" }).add("consult.awaited", { consult: "k", grace_s: 15 }));
  expect(host.textContent).toContain("您和来电者仍能互相听到");
  show(away().add("consult.answered", { consult: "k" }));
  expect(buttons()).toHaveLength(3);
});

it("says in English that whoever is consulted is away", () => {
  show(answered().add("consult.awaited", { consult: "k", grace_s: 15 }), "en");
  expect(host.querySelector("h2")?.textContent).toBe("lin lost the connection; waiting for them");
  expect(host.textContent).toContain("The caller hears music, and not you");
});

it("takes a caller back whom nobody has taken yet", () => {
  show(new Log().add("transfer.requested", { transfer: "t", by: "mei", kind: "blind", target: lin }), "en");
  expect(host.querySelector("h2")?.textContent).toBe("Transferring the caller to lin");
  press("passing-take-back");
  expect(phone.takeBack).toHaveBeenCalledTimes(1);
});

const CODES = ["declined", "no_answer", "busy", "forbidden", "unreachable", "technical"] as const;
it.each(CODES.flatMap((code) => [[code, "zh-CN"] as const, [code, "en"] as const]))(
  "tells that nobody took the caller (%s) and what to do, in %s, until it is put away",
  (code, language) => {
    const log = new Log()
      .add("transfer.requested", { transfer: "t", by: "mei", kind: "blind", target: lin })
      .add("transfer.failed", { transfer: "t", code });
    show(log, language);
    const alert = host.querySelector("[role=alert]")?.textContent ?? "";
    expect(alert).toContain(language === "zh-CN" ? "没有转给 lin" : "Not transferred to lin");
    expect(alert).toContain(language === "zh-CN" ? "来电者在您这里" : "The caller is with you");
    expect(alert.length).toBeGreaterThan(language === "zh-CN" ? 25 : 60);
    press("passing-dismiss");
    expect(host.textContent).toBe("");
  },
);

it("fetches the caller from hold whom a failed consultation left there", () => {
  show(asked().add("consult.ended", { consult: "k", reason: "declined" }));
  expect(host.textContent).toContain("来电者还在等候");
  press("passing-resume");
  expect(phone.hold).toHaveBeenLastCalledWith(false);
});

it("leaves others' consultations to them, and says nothing where nothing is", () => {
  show(new Log().add("consult.started", { consult: "k", by: "hua", target: lin }));
  expect(host.textContent).toBe("");
  show(new Log());
  expect(host.textContent).toBe("");
});
