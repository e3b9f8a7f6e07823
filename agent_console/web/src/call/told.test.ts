import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Told, ToldPage } from "../wire/api";
import { Problem } from "../wire/http";
import { followTold } from "./told";

const told = (seq: number): Told => ({ seq, at_ms: seq * 20, text: { zh: `第${seq}`, en: `no ${seq}` } });
const page = (last_seq: number, ended: boolean, ...seqs: number[]): ToldPage => ({ told: seqs.map(told), last_seq, ended });

describe("what the caller is told", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it("is asked on from where the answer before ended, until the call has ended", async () => {
    const pages = [page(4, false, 1, 4), page(9, false), page(12, true, 11)];
    const asked: number[] = [];
    const heard: number[] = [];
    const ask = (after: number): Promise<ToldPage> => {
      asked.push(after);
      const next = pages.shift();
      return next === undefined ? Promise.reject(new Error("asked too often")) : Promise.resolve(next);
    };
    await followTold(ask, new AbortController().signal, (some) => heard.push(...some.map((one) => one.seq)));
    expect(asked).toEqual([-1, 4, 9]);
    expect(heard).toEqual([1, 4, 11]);
  });

  it("is asked again after a while where the server cannot be reached, and from the same place", async () => {
    const answers = [page(3, false, 3), new Problem(0, "network.unreachable", ""), page(5, true, 5)];
    const asked: number[] = [];
    const heard: number[] = [];
    const ask = (after: number): Promise<ToldPage> => {
      asked.push(after);
      const next = answers.shift();
      return next instanceof Problem ? Promise.reject(next) : Promise.resolve(next ?? page(5, true));
    };
    const done = followTold(ask, new AbortController().signal, (some) => heard.push(...some.map((one) => one.seq)));
    await vi.advanceTimersByTimeAsync(1_500);
    expect(asked).toEqual([-1, 3]);
    await vi.advanceTimersByTimeAsync(2_000);
    await done;
    expect(asked).toEqual([-1, 3, 3]);
    expect(heard).toEqual([3, 5]);
  });

  it("is asked again for a call that is not known yet, and not for ever", async () => {
    let asked = 0;
    const unknown = (): Promise<ToldPage> => {
      asked += 1;
      return Promise.reject(new Problem(404, "call.unknown", ""));
    };
    const done = followTold(unknown, new AbortController().signal, () => undefined);
    await vi.advanceTimersByTimeAsync(60_000);
    await done;
    expect(asked).toBe(11);
  });

  it("is not asked again where it is refused, nor after the page is left", async () => {
    let asked = 0;
    const refuse = (): Promise<ToldPage> => {
      asked += 1;
      return Promise.reject(new Problem(403, "secret.wrong", ""));
    };
    await followTold(refuse, new AbortController().signal, () => undefined);
    expect(asked).toBe(1);
    const leaving = new AbortController();
    const heard: number[] = [];
    const late = (): Promise<ToldPage> => {
      leaving.abort();
      return Promise.resolve(page(1, false, 1));
    };
    await followTold(late, leaving.signal, (some) => heard.push(...some.map((one) => one.seq)));
    expect(heard).toEqual([]);
  });
});
