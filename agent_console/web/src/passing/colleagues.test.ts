import { expect, it } from "vitest";
import type { DeskAgent } from "../wire/desk";
import { colleagues } from "./colleagues";

const agent = (name: string, change: Partial<DeskAgent> = {}): DeskAgent => ({
  agent: name,
  name: "",
  skills: {},
  languages: ["zh"],
  capacity: 1,
  presence: "ready",
  reservation: null,
  calls: [],
  ready_in_s: null,
  ...change,
});

const everybody = [
  agent("mei"),
  agent("zhao", { skills: { refund: 3 } }),
  agent("bo", { presence: "break" }),
  agent("li", { reservation: "o1" }),
  agent("an", { name: "安宁" }),
  agent("gone", { presence: "offline" }),
];
const names = (wanted = "") =>
  colleagues(everybody, "mei", wanted, (id) => (id === "refund" ? "退款" : id)).map((one) => one.agent);

it("shows who is free first, and nobody who is me or has gone home", () => {
  expect(new Set(names().slice(0, 2))).toEqual(new Set(["an", "zhao"]));
  expect(new Set(names().slice(2))).toEqual(new Set(["bo", "li"]));
});

it("finds people by account, name and skill, in either language", () => {
  expect(names("ZHAO")).toEqual(["zhao"]);
  expect(names("安")).toEqual(["an"]);
  expect(names("退款")).toEqual(["zhao"]);
  expect(names("refund zh")).toEqual(["zhao"]);
  expect(names("nobody")).toEqual([]);
});
