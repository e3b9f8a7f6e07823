/** Keeps calls, desk and phone alive over every page, so that turning a page drops nobody. */

import { useCallback, useMemo, useState, useSyncExternalStore, type ReactNode } from "react";
import { go } from "../app/router";
import { openMicrophone, pageObstacle, PhoneError, stopTracks } from "../call/microphone";
import { RemoteAudio } from "../call/RemoteAudio";
import { explain } from "../call/line";
import { LiveCalls } from "../live/liveCalls";
import type { Asked } from "../passing/asked";
import { useInvitation } from "../passing/useInvitation";
import { fetchAllEvents, fetchTicket, type Session } from "../wire/api";
import { acceptOffer, declineOffer, failBridge, fetchMe, fetchReservation, setPresence, showLife, type Presence } from "../wire/desk";
import { browserPorts } from "../wire/link";
import { AgentPhone } from "./agentPhone";
import { useCallingBack } from "./callingBack";
import { isConsulted } from "../passing/asked";
import { ComeBack, forgetCall } from "./comeBack";
import { consoleId } from "./consoleId";
import { Desk } from "./desk";
import { useCallEnd, useComeBack, useDeskLife, useLiveLink, usePassing } from "./lives";
import { NamesContext, useFetchedNames } from "./names";
import { useAlarm } from "./useAlarm";
import { WorkplaceContext, type Workplace as Place } from "./workplace";
import "./desk.css";
import "./phone.css";
import "./supervise.css";
import "../passing/passing.css";

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
  useCallEnd(live, desk, phone, session.user);
  usePassing(live, desk, phone, session.user);

  const join = useCallback(
    async (call: string) => {
      setLastServed(call);
      const before = phone.snapshot();
      const asGuest = before.call === call && before.mode === "consult";
      await phone.join(call, asGuest ? "consult" : "serve");
      if (!asGuest) await handOverIfDeaf(call, phone);
      await desk?.refresh();
    },
    [desk, phone],
  );
  const come = useCallback(
    async ({ call, to }: Asked) => {
      setLastServed(call);
      const came = await phone.join(call, to);
      await desk?.refresh();
      return came;
    },
    [desk, phone],
  );
  const [comeBack] = useState(() =>
    desk === null ? null : makeComeBack({ live, desk, phone, me: session.user, served: setLastServed }),
  );
  const invitation = useInvitation({ live, phone, me: session.user, comeBack, join: come });
  useDeskLife(desk, phone, comeBack);
  useComeBack(phone, comeBack);
  const callbacks = useCallingBack(desk, join);
  const ring = callbacks.begin;
  const accept = useCallback(async () => {
    const callback = desk?.snapshot().offer?.callback === true ? desk.snapshot().offer : null;
    const call = (await desk?.accept()) ?? null;
    if (call === null) return;
    go("/desk");
    if (callback !== null) ring(call, callback.attempts);
    else await join(call);
  }, [desk, join, ring]);
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
      comeBack,
      invitation,
      callbacks,
      setPresence: choosePresence,
      accept,
      rejoin: join,
    }),
    [session, live, desk, phone, lastServed, trouble, checking, comeBack, invitation, callbacks, choosePresence, accept, join],
  );
  useAlarm(place, names);

  return (
    <WorkplaceContext value={place}>
      <NamesContext value={names}>{children}</NamesContext>
      <RemoteAudio stream={heard.remote ?? callbacks.current?.heard ?? null} />
    </WorkplaceContext>
  );
}

interface Returns {
  readonly live: LiveCalls;
  readonly desk: Desk;
  readonly phone: AgentPhone;
  readonly me: string;
  readonly served: (call: string) => void;
}

function makeComeBack({ live, desk, phone, me, served }: Returns): ComeBack {
  const back: ComeBack = new ComeBack({
    part: (call) => {
      const { state, agent } = desk.snapshot();
      if (state !== "open") return null;
      if (agent?.calls.includes(call) === true) return "serve";
      // The desk knows who serves; who is consulted stands in the list of calls.
      if (!live.snapshot().listed) return null;
      return isConsulted(live.snapshot(), me, call) ? "consult" : "none";
    },
    refresh: () => desk.refresh(),
    busy: () => phone.busy,
    join: async (call, as) => {
      served(call);
      await phone.join(call, as);
      // What only the person can mend is not tried again.
      if (as === "serve" ? await handOverIfDeaf(call, phone) : isDeaf(phone)) back.end();
    },
    gone: (call, as) => {
      phone.forget();
      forgetCall();
      if (live.snapshot().calls.get(call)?.summary.ended !== true) desk.tellGone(as === "serve" ? "lost" : "consult_over");
    },
    now: steady,
  });
  return back;
}

/** Without a microphone the caller is better off with somebody else, now; answers whether it is so. */
async function handOverIfDeaf(call: string, phone: AgentPhone): Promise<boolean> {
  if (!isDeaf(phone)) return false;
  await failBridge(call).catch(() => undefined);
  return true;
}

/** Whether this page's own microphone is what is missing. */
function isDeaf(phone: AgentPhone): boolean {
  const { error } = phone.snapshot();
  return error !== null && isOwnFault(error);
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

