import { describe, expect, it } from "vitest";
import type { EventOf, KeyPointTag, Word } from "../wire/events";
import { cut } from "./runs";

function point(text: string, tag: KeyPointTag, start: number, end: number): EventOf<"keypoint.found"> {
  const piece = Array.from(text).slice(start, end).join("");
  return { call: "c", seq: start, at_ms: 0, type: "keypoint.found", segment: 0, tag, start, end, text: piece, value: null };
}

function word(text: string, confidence: number | null): Word {
  return { text, span: { start_ms: 0, end_ms: 1 }, confidence };
}

const shown = (pieces: ReturnType<typeof cut>) =>
  pieces.map((one) => [one.keyPoint?.tag ?? "-", one.runs.map((run) => run.text).join("|")]);

describe("cut", () => {
  it("leaves a plain text whole", () => {
    expect(shown(cut("你好。", [], []))).toEqual([["-", "你好。"]]);
  });

  it("marks a key point at its offsets", () => {
    const text = "我的订单3081还没到。";
    expect(shown(cut(text, [], [point(text, "identifier", 4, 8)]))).toEqual([
      ["-", "我的订单"],
      ["identifier", "3081"],
      ["-", "还没到。"],
    ]);
  });

  it("counts characters as the server does, not UTF-16 units", () => {
    const text = "𠮷野家😀的订单3081";
    const [, marked] = cut(text, [], [point(text, "identifier", 7, 11)]);
    expect(marked?.runs[0]?.text).toBe("3081");
  });

  it("shows the shorter of two key points where they overlap", () => {
    const text = "订单3081坏了";
    const points = [point(text, "issue", 0, 8), point(text, "identifier", 2, 6)];
    expect(shown(cut(text, [], points))).toEqual([
      ["issue", "订单"],
      ["identifier", "3081"],
      ["issue", "坏了"],
    ]);
  });

  it("underlines doubtful words, past punctuation that the words lack", () => {
    const runs = cut("Hi, um, my kettle.", [word(" hi", 0.9), word("um", 0.3), word(" Kettle", 0.5)], [])[0]?.runs;
    expect(runs?.filter((run) => run.doubt !== null).map((run) => [run.text, run.doubt])).toEqual([
      ["um", 0.3],
      ["kettle", 0.5],
    ]);
  });

  it("leaves punctuation that hangs on a doubtful word alone", () => {
    const runs = cut("好订单，为3081亿。", [word("好", 0.9), word("订单，", 0.2), word("亿。", 0.3)], [])[0]?.runs;
    expect(runs?.filter((run) => run.doubt !== null).map((run) => run.text)).toEqual(["订单", "亿"]);
  });

  it("skips a word that was rewritten, and goes on behind it", () => {
    const words = [word("订单", 0.9), word("三零八一", 0.2), word("坏", 0.4), word("了", null)];
    const runs = cut("订单3081坏了", words, [])[0]?.runs;
    expect(runs?.map((run) => [run.text, run.doubt])).toEqual([
      ["订单3081", null],
      ["坏", 0.4],
      ["了", null],
    ]);
  });

  it("cuts a doubtful word inside a key point without breaking the mark", () => {
    const text = "订单3081坏了";
    const pieces = cut(text, [word("3081", 0.4)], [point(text, "issue", 0, 8)]);
    expect(shown(pieces)).toEqual([["issue", "订单|3081|坏了"]]);
  });

  it("survives offsets beyond the text", () => {
    expect(shown(cut("短", [], [point("短", "issue", 0, 9)]))).toEqual([["issue", "短"]]);
    expect(cut("", [], [])).toEqual([]);
  });
});
