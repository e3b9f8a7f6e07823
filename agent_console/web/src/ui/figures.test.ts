import { expect, it } from "vitest";
import { percent, plain, signed } from "./figures";

it("writes a true minus, and no sign on what rounds to zero", () => {
  expect([0.4249, -0.3, 0.001, -0.001].map((one) => signed(one))).toEqual(["+0.42", "−0.30", "0.00", "0.00"]);
  expect([-19.4, -0.2, 3.14].map((one) => plain(one))).toEqual(["−19", "0", "3"]);
});

it("keeps a share within a hundred", () => {
  expect([-0.1, 0.625, 1.2].map(percent)).toEqual([0, 63, 100]);
});
