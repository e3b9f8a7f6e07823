/** What keeps calls, desk and phone alive while somebody is signed in. */

import { useEffect } from "react";
import type { LiveCalls } from "../live/liveCalls";
import { useSession } from "../session/session";
import type { AgentPhone } from "./agentPhone";
import { isConsulted } from "../passing/asked";
import { forgetCall, rememberCall, rememberedCall, type ComeBack } from "./comeBack";
import type { Desk } from "./desk";
import { startMetronome } from "./metronome";

/** The websocket, for as long as somebody is signed in; news of any call prods the desk. */
export function useLiveLink(live: LiveCalls, desk: Desk | null): void {
  const { expired } = useSession();
  useEffect(() => {
    const online = (): void => live.networkChanged(true);
    const offline = (): void => live.networkChanged(false);
    let calls = live.snapshot().calls;
    const forget = live.subscribe(() => {
      const snapshot = live.snapshot();
      if (snapshot.calls !== calls) desk?.prod();
      calls = snapshot.calls;
      if (snapshot.link.name === "signed_out") expired();
    });
    live.start();
    window.addEventListener("online", online);
    window.addEventListener("offline", offline);
    return () => {
      forget();
      window.removeEventListener("online", online);
      window.removeEventListener("offline", offline);
      live.stop();
    };
  }, [live, desk, expired]);
}

export function useDeskLife(desk: Desk | null, phone: AgentPhone, comeBack: ComeBack | null): void {
  useEffect(() => {
    if (desk === null) return;
    void desk.refresh();
    const metronome = startMetronome(() => {
      void desk.tick();
      void comeBack?.tick();
    });
    return () => metronome.stop();
  }, [desk, comeBack]);
  useEffect(() => {
    const leave = (): void => phone.close();
    window.addEventListener("pagehide", leave);
    return () => {
      window.removeEventListener("pagehide", leave);
      phone.close();
    };
  }, [phone]);
}

/** A phone whose call is over, or is somebody else's by now, is put down. */
export function useCallEnd(live: LiveCalls, desk: Desk | null, phone: AgentPhone, me: string): void {
  useEffect(() => {
    // Said to be somebody else's: a line may close before the news comes that its call has ended.
    let moved: string | null = null;
    const hasEnded = (call: string): boolean => live.snapshot().calls.get(call)?.summary.ended === true;
    const look = (): void => {
      if (moved !== null && hasEnded(moved)) {
        moved = null;
        desk?.takeBackMoved();
      }
      const { call, mode, state, doing, passedOn } = phone.snapshot();
      if (call === null) return;
      if (hasEnded(call)) {
        phone.forget();
        void desk?.refresh();
        return;
      }
      const closed = state === "ended" || (state === "failed" && phone.wasConnected);
      if (!closed || doing !== null) return;
      if (mode === "consult") {
        if (isConsulted(live.snapshot(), me, call) || desk?.snapshot().agent?.calls.includes(call) === true) return;
        phone.forget();
        desk?.tellGone("consult_over");
      } else if (mode !== "serve") {
        if (state === "ended") phone.forget();
      } else if (desk !== null && isGone(desk, call)) {
        phone.forget();
        moved = call;
        desk.tellGone(passedOn ? "passed_on" : state === "ended" ? "moved" : "lost");
      }
    };
    // A line that closes is reason enough to ask whose the caller is now.
    let before = phone.snapshot().state;
    const heard = (): void => {
      const { state } = phone.snapshot();
      if (state !== before && (state === "ended" || state === "failed")) void desk?.refresh();
      before = state;
      look();
    };
    const forget = [live.subscribe(look), phone.subscribe(heard), desk?.subscribe(look)];
    return () => {
      for (const one of forget) one?.();
    };
  }, [live, desk, phone, me]);
}

/** Whoever is consulted, and gets the caller, serves them from then on; whom nobody took is still mine. */
export function usePassing(live: LiveCalls, desk: Desk | null, phone: AgentPhone, me: string): void {
  useEffect(() => {
    let known = live.snapshot().view?.passing.failed ?? null;
    const look = (): void => {
      const { call, mode } = phone.snapshot();
      const { view } = live.snapshot();
      const failed = view?.passing.failed ?? null;
      if (failed !== null && failed !== known && failed.by === me && view?.call === call) phone.keep();
      known = failed;
      if (mode !== "consult" || call === null) return;
      const told = view?.call === call && view.people.agents.includes(me);
      if (!told && desk?.snapshot().agent?.calls.includes(call) !== true) return;
      phone.promote();
      rememberCall(call, "serve");
      void desk?.refresh();
    };
    const forget = [live.subscribe(look), desk?.subscribe(look)];
    return () => {
      for (const one of forget) one?.();
    };
  }, [live, desk, phone, me]);
}

/** A page that was reloaded in the middle of a call, or whose connection broke for good, comes back to the call. */
export function useComeBack(phone: AgentPhone, comeBack: ComeBack | null): void {
  useEffect(() => {
    if (comeBack === null) return;
    const left = rememberedCall();
    if (left !== null && phone.snapshot().call === null) {
      comeBack.begin(left.call, "reloaded", left.as);
      void comeBack.tick();
    }
    let before = phone.snapshot();
    return phone.subscribe(() => {
      const { call, mode, state, error } = phone.snapshot();
      if (before.call !== null && call === null) {
        forgetCall();
        comeBack.end();
      } else if (call !== null && (mode === "serve" || mode === "consult") && state !== before.state) {
        if (state === "connected") {
          rememberCall(call, mode);
          comeBack.end();
        } else if (state === "failed" && error?.problem === "lost") {
          comeBack.begin(call, "lost", mode);
        }
      }
      before = phone.snapshot();
    });
  }, [phone, comeBack]);
}

/** Whether the desk has said that the caller is not with me. */
function isGone(desk: Desk, call: string): boolean {
  const { agent, doing, state } = desk.snapshot();
  return state === "open" && doing === null && agent?.calls.includes(call) === false;
}
