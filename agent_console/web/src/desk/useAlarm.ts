/** An offer, or being asked by a colleague, is heard, stands in the tab's title, and is notified where the page is in the background and may. */

import { useEffect, useRef } from "react";
import { go } from "../app/router";
import { useText } from "../i18n/text";
import type { AllNames } from "./names";
import { Ringer } from "./ringer";
import { useDesk, type Workplace } from "./workplace";

export function useAlarm(place: Workplace, names: AllNames): void {
  const { t, pick } = useText();
  const snapshot = useDesk(place);
  const ringer = useRef<Ringer>(null);
  const offer = snapshot?.offer ?? null;
  const { asked } = place.invitation;
  const id = offer?.offer ?? (asked === null ? null : `asked ${asked.call}`);
  const heading = offer !== null || asked === null ? t.offer.title : (asked.again ? t.passing.asked.again : t.passing.asked[asked.to]).title;

  useEffect(() => {
    ringer.current = new Ringer();
    return () => ringer.current?.close();
  }, []);
  useEffect(() => {
    if (id === null) return;
    ringer.current?.start();
    return () => ringer.current?.stop();
  }, [id]);
  useEffect(() => {
    if (id === null) return;
    const before = document.title;
    const alarm = `☎ ${heading}`;
    document.title = alarm;
    return () => {
      // A page that was turned to meanwhile has its own title.
      if (document.title === alarm) document.title = before;
    };
  }, [id, heading]);
  const body = (): string => {
    if (offer === null) return asked === null ? "" : (asked.again ? t.passing.asked.again : t.passing.asked[asked.to]).what(names.agents[asked.by] ?? asked.by);
    const title = names.queues[offer.queue];
    return t.offer.notice(title === undefined ? offer.queue : pick(title), offer.priority);
  };
  useEffect(() => {
    if (id === null || !document.hidden || !mayNotify()) return;
    const note = new Notification(heading, { body: body(), tag: id });
    note.onclick = () => {
      window.focus();
      go("/desk");
    };
    return () => note.close();
    // eslint-disable-next-line react-hooks/exhaustive-deps -- one notification for one offer, whatever else is renewed
  }, [id, t, pick]);
}

const mayNotify = (): boolean => "Notification" in window && Notification.permission === "granted";

/** Whether the person has not been asked yet. */
export const mayAskNotices = (): boolean => "Notification" in window && Notification.permission === "default";
