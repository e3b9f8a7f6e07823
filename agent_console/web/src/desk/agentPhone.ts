/** A person's own audio on somebody else's call: who serves it, who is consulted about it, or who supervises it. */

import { Line, type LineSnapshot } from "../call/line";
import {
  changeLeg,
  consult,
  endCall,
  endConsult,
  holdCall,
  joinCall,
  leaveCall,
  muteLeg,
  offerLegAnew,
  passOn,
  pauseRecording,
  withdrawTransfer,
  type LegMode,
  type Override,
} from "../wire/desk";
import type { TransferTarget } from "../wire/events";
import { Problem } from "../wire/http";

export type PhoneAct = "change" | "leave" | "hang_up" | "mute" | "hold" | "record" | "pass_on" | "take_back";

export interface AgentPhoneSnapshot extends LineSnapshot {
  /** The call that this page has, or had, audio of. */
  readonly call: string | null;
  readonly mode: LegMode | null;
  /** Whether nothing leaves the microphone, as wished here; what the server says is in the call's view. */
  readonly muted: boolean;
  readonly doing: PhoneAct | null;
  readonly problem: Problem | null;
  /** Whether the server was asked to pass the caller on, and nothing is known against it. */
  readonly passedOn: boolean;
}

export class AgentPhone {
  readonly #listeners = new Set<() => void>();
  readonly #line = new Line((line) => this.#publish(line));
  #snapshot: AgentPhoneSnapshot = {
    ...this.#line.snapshot,
    call: null,
    mode: null,
    muted: false,
    doing: null,
    problem: null,
    passedOn: false,
  };

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly snapshot = (): AgentPhoneSnapshot => this.#snapshot;

  get busy(): boolean {
    return this.#line.busy;
  }

  /** Whether both sides could hear each other at all. */
  get wasConnected(): boolean {
    return this.#snapshot.connectedAt !== null;
  }

  /** Bring the audio of this page onto a call; also again, after it was lost. Answers whether the line was opened. */
  async join(call: string, mode: LegMode): Promise<boolean> {
    if (this.busy) return false;
    // How the line of the call before ended must not be taken for this one's.
    const fresh = { state: "idle", error: null, connectedAt: null, endedAt: null } as const;
    this.#publish({ ...fresh, call, mode, muted: false, problem: null, passedOn: false });
    const again = (sdp: string): Promise<string> => offerLegAnew(call, sdp);
    await this.#line.open(async (sdp) => ({ sdp: await joinCall(call, sdp, mode), again }), { speaks: mode !== "listen" });
    return this.busy;
  }

  /** Take part in another way; to serve needs a reason. */
  async change(mode: LegMode, why: Override | null = null): Promise<boolean> {
    return await this.#act("change", async (call) => {
      // Whom others shall hear needs a microphone first.
      if (mode !== "listen") await this.#line.speak();
      await changeLeg(call, mode, why);
      this.#line.cut(mode === "listen");
      this.#publish({ mode, muted: false });
    });
  }

  /** Leave the call to the others; whoever serves it gives the caller back to the queue. */
  async leave(): Promise<boolean> {
    const { call, mode } = this.#snapshot;
    const guest = mode === "consult";
    const done = await this.#act("leave", guest ? endConsult : leaveCall);
    // A consultation that somebody else has just ended is left, too.
    const over = guest && ["call.state", "call.not_yours"].includes(this.#snapshot.problem?.code ?? "");
    this.#forgetIfOver(call, done || over);
    return done;
  }

  /** Do not take the caller who is passed on to me, though the line is being opened. */
  async decline(): Promise<boolean> {
    const { call } = this.#snapshot;
    const done = await this.#act("leave", withdrawTransfer, { atOnce: true });
    this.#forgetIfOver(call, done);
    return done;
  }

  /** End the call for everybody, whatever else is under way: also while the line is still being opened. */
  async hangUp(call = this.#snapshot.call): Promise<boolean> {
    const done = await this.#act("hang_up", endCall, { atOnce: true, call });
    this.#forgetIfOver(call, done);
    return done;
  }

  /** The microphone falls silent at once; the server is told so that all see it and nothing is recorded. */
  async mute(muted: boolean): Promise<boolean> {
    if (muted) this.#line.cut(true);
    const done = await this.#act("mute", async (call) => {
      await muteLeg(call, muted);
      this.#publish({ muted });
    });
    this.#line.cut(this.#snapshot.muted);
    return done;
  }

  async hold(held: boolean): Promise<boolean> {
    return await this.#act("hold", (call) => holdCall(call, held));
  }

  async pause(paused: boolean): Promise<boolean> {
    return await this.#act("record", (call) => pauseRecording(call, paused));
  }

  /** Ask somebody to talk while the caller waits. */
  async consult(target: TransferTarget): Promise<boolean> {
    return await this.#act("pass_on", (call) => consult(call, target));
  }

  /** Pass the caller on at once. */
  async passOn(target: TransferTarget): Promise<boolean> {
    return await this.#passOn((call) => passOn(call, "blind", target));
  }

  /** Pass the caller on to whoever is consulted. */
  async handOver(): Promise<boolean> {
    return await this.#passOn((call) => passOn(call, "attended", null));
  }

  /** Go back to the caller, whoever was asked or is consulted. */
  async goBack(): Promise<boolean> {
    return await this.#act("take_back", endConsult);
  }

  /** Take the caller back before somebody else has them. */
  async takeBack(): Promise<boolean> {
    const done = await this.#act("take_back", withdrawTransfer);
    if (done) this.keep();
    return done;
  }

  /** The caller is still with me: nobody took them. */
  keep(): void {
    if (this.#snapshot.passedOn) this.#publish({ passedOn: false });
  }

  /** Whoever was consulted serves the caller from now on. */
  promote(): void {
    this.#publish({ mode: "serve" });
  }

  async choose(microphone: string): Promise<void> {
    await this.#line.choose(microphone);
  }

  /** The call is over, or somebody else's: nothing to come back to. */
  forget(): void {
    // First, so that nobody who hears of the closing forgets it again.
    this.#publish({ call: null, mode: null, muted: false, doing: null, problem: null, error: null, passedOn: false });
    this.#line.close();
  }

  async #passOn(work: (call: string) => Promise<void>): Promise<boolean> {
    const done = await this.#act("pass_on", async (call) => {
      // First: the line may be closed before the answer comes.
      this.#publish({ passedOn: true });
      await work(call);
    });
    if (!done) this.keep();
    return done;
  }

  /** Puts the phone down, unless it has another call by now. */
  #forgetIfOver(call: string | null, done: boolean): void {
    if (call !== null && this.#snapshot.call === call && (done || isOver(this.#snapshot.problem))) this.forget();
  }

  /** The page goes away. */
  close(): void {
    this.#line.close();
  }

  /** One thing at a time; but what is done `atOnce` waits for nothing, and what was under way says no more. */
  async #act(
    doing: PhoneAct,
    work: (call: string) => Promise<void>,
    { atOnce = false, call = this.#snapshot.call } = {},
  ): Promise<boolean> {
    const { doing: before, call: onPhone } = this.#snapshot;
    if (call === null || before === doing || (before !== null && !atOnce)) return false;
    this.#publish({ doing, problem: null });
    const isMine = (): boolean => this.#snapshot.doing === doing && this.#snapshot.call === onPhone;
    try {
      await work(call);
      if (isMine()) this.#publish({ doing: null });
      return true;
    } catch (error) {
      const problem = error instanceof Problem ? error : new Problem(0, "console.failed", String(error));
      if (isMine()) this.#publish({ doing: null, problem });
      return false;
    }
  }

  #publish(change: Partial<AgentPhoneSnapshot>): void {
    this.#snapshot = { ...this.#snapshot, ...change };
    for (const listener of this.#listeners) listener();
  }
}

/** Whether a refusal says that there is nothing to leave any more. */
const isOver = (problem: Problem | null): boolean =>
  problem !== null && ["call.ended", "call.unknown", "leg.unknown"].includes(problem.code);
