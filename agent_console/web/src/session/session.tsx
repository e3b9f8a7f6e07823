/** Who is signed in. */

import { createContext, use, useCallback, useEffect, useMemo, useState, type ReactNode } from "react";
import { fetchSession, signOut, type Session } from "../wire/api";
import { Problem } from "../wire/http";

export type SessionState =
  | { readonly name: "asking" }
  | { readonly name: "in"; readonly session: Session }
  | { readonly name: "out"; readonly expired: boolean }
  | { readonly name: "unreachable" };

interface Keeper {
  readonly state: SessionState;
  readonly entered: (session: Session) => void;
  /** The server says that the session is over. */
  readonly expired: () => void;
  readonly leave: () => Promise<void>;
  readonly askAgain: () => void;
}

const SessionContext = createContext<Keeper | null>(null);

export function SessionProvider({ children }: { readonly children: ReactNode }) {
  const [state, setState] = useState<SessionState>({ name: "asking" });
  const [asked, setAsked] = useState(0);

  useEffect(() => {
    let stale = false;
    fetchSession().then(
      (session) => {
        if (!stale) setState({ name: "in", session });
      },
      (error: unknown) => {
        if (stale) return;
        const refused = error instanceof Problem && error.status === 401;
        setState(refused ? { name: "out", expired: false } : { name: "unreachable" });
      },
    );
    return () => {
      stale = true;
    };
  }, [asked]);

  const entered = useCallback((session: Session) => setState({ name: "in", session }), []);
  const expired = useCallback(() => setState({ name: "out", expired: true }), []);
  const leave = useCallback(async () => {
    await signOut().catch(() => undefined);
    setState({ name: "out", expired: false });
  }, []);
  const askAgain = useCallback(() => {
    setState({ name: "asking" });
    setAsked((n) => n + 1);
  }, []);
  const value = useMemo(
    () => ({ state, entered, expired, leave, askAgain }),
    [state, entered, expired, leave, askAgain],
  );
  return <SessionContext value={value}>{children}</SessionContext>;
}

export function useSession(): Keeper {
  const keeper = use(SessionContext);
  if (keeper === null) throw new Error("useSession stands inside SessionProvider.");
  return keeper;
}
