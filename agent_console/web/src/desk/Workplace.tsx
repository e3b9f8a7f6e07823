/** Keeps calls, desk and phone alive over every page, so that turning a page drops nobody. */

import { useCallback, useEffect, useMemo, useState, useSyncExternalStore, type ReactNode } from "react";
import { go } from "../app/router";
import { openMicrophone, pageObstacle, PhoneError, stopTracks } from "../call/microphone";
import { RemoteAudio } from "../call/RemoteAudio";
import { explain } from "../call/line";
import { LiveCalls } from "../live/liveCalls";
import { useSession } from "../session/session";
import { fetchAllEvents, fetchTicket, type Session } from "../wire/api";
import { acceptOffer, declineOffer, failBridge, fetchMe, fetchReservation, setPresence, showLife, type Presence } from "../wire/desk";
import { browserPorts } from "../wire/link";
import { AgentPhone } from "./agentPhone";
import { consoleId } from "./consoleId";
import { Desk } from "./desk";
import { startMetronome } from "./metronome";
import { NamesContext, useFetchedNames } from "./names";
import { useAlarm } from "./useAlarm";
import { WorkplaceContext, type Workplace as Place } from "./workplace";
import "./desk.css";
import "./phone.css";
import "./supervise.css";

const SERVING_ROLES = ["agent", "supervisor", "admin"];
const SUPERVISING_ROLES = ["supervisor", "admin"];
const steady = (): number => performance.now();

function makeDesk(user: string): Desk {
  return new Desk({
    fetchMe,
    fetchReservation,
    setPresence: (presence) => setPresence(user, presence),
    showLife: () => showLife(user),
    accept: (offer) => acceptOffer(offer, consoleId()),
    decline: declineOffer,
    now: steady,
  });
}

interface WorkplaceProps {
  readonly session: Session;
  readonly children: ReactNode;
}

export function Workplace({ session, children }: WorkplaceProps) {
  const [live] = useState(() => new LiveCalls({ ...browserPorts(fetchTicket), fetchEvents: fetchAllEvents, now: steady }));
  const [phone] = useState(() => new AgentPhone());
  const [desk] = useState(() => (SERVING_ROLES.includes(session.role) ? makeDesk(session.user) : null));
  const [lastServed, setLastServed] = useState<string | null>(null);
  const [trouble, setTrouble] = useState<PhoneError | null>(null);
  const [checking, setChecking] = useState(false);
  const names = useFetchedNames();
  const heard = useSyncExternalStore(phone.subscribe, phone.snapshot);
  useLiveLink(live, desk);
  useDeskLife(desk, phone);
  useCallEnd(live, desk, phone);

  const join = useCallback(
    async (call: string) => {
      setLastServed(call);
      await phone.join(call, "serve");
      const { error } = phone.snapshot();
      // Without a microphone the caller is better off with somebody else, now.
      if (error !== null && isOwnFault(error)) await failBridge(call).catch(() => undefined);
      await desk?.refresh();
    },
    [desk, phone],
  );
  const accept = useCallback(async () => {
    const call = (await desk?.accept()) ?? null;
    if (call === null) return;
    go("/desk");
    await join(call);
  }, [desk, join]);
  const choosePresence = useCallback(
    async (presence: Presence) => {
      if (desk === null) return;
      setTrouble(null);
      if (presence === "ready") {
        setChecking(true);
        const found = await checkMicrophone();
        setChecking(false);
        setTrouble(found);
        if (found !== null) return;
      }
      await desk.setPresence(presence);
    },
    [desk],
  );
  const place = useMemo<Place>(
    () => ({
      session,
      live,
      desk,
      phone,
      supervises: SUPERVISING_ROLES.includes(session.role),
      lastServed,
      trouble,
      checking,
      setPresence: choosePresence,
      accept,
      rejoin: join,
    }),
    [session, live, desk, phone, lastServed, trouble, checking, choosePresence, accept, join],
  );
  useAlarm(place, names);

  return (
    <WorkplaceContext value={place}>
      <NamesContext value={names}>{children}</NamesContext>
      <RemoteAudio stream={heard.remote} />
    </WorkplaceContext>
  );
}

const isOwnFault = ({ problem }: PhoneError): boolean =>
  ["refused", "missing", "busy", "insecure", "unsupported"].includes(problem);

/** Whoever goes ready has a microphone that works, and has allowed it: an offer leaves no time for that. */
async function checkMicrophone(): Promise<PhoneError | null> {
  const blocked = pageObstacle();
  if (blocked !== null) return new PhoneError(blocked);
  try {
    stopTracks(await openMicrophone(""));
    return null;
  } catch (error) {
    return explain(error);
  }
}

/** The websocket, for as long as somebody is signed in; news of any call prods the desk. */
function useLiveLink(live: LiveCalls, desk: Desk | null): void {
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

function useDeskLife(desk: Desk | null, phone: AgentPhone): void {
  useEffect(() => {
    if (desk === null) return;
    void desk.refresh();
    const metronome = startMetronome(() => void desk.tick());
    return () => metronome.stop();
  }, [desk]);
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
function useCallEnd(live: LiveCalls, desk: Desk | null, phone: AgentPhone): void {
  useEffect(() => {
    const look = (): void => {
      const { call, mode, state, problem, doing } = phone.snapshot();
      if (call === null) return;
      if (live.snapshot().calls.get(call)?.summary.ended === true) {
        phone.forget();
        void desk?.refresh();
        return;
      }
      const closed = state === "ended" || (state === "failed" && phone.wasConnected);
      if (!closed || doing !== null || problem !== null) return;
      if (mode !== "serve") {
        if (state === "ended") phone.forget();
      } else if (desk !== null && isGone(desk, call)) {
        phone.forget();
        desk.tellGone(state === "ended" ? "moved" : "lost");
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
  }, [live, desk, phone]);
}

/** Whether the desk has said that the caller is not with me. */
function isGone(desk: Desk, call: string): boolean {
  const { agent, doing, state } = desk.snapshot();
  return state === "open" && doing === null && agent?.calls.includes(call) === false;
}
