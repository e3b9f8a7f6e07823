import { lazy, Suspense, useEffect, type ReactNode } from "react";
import { useText } from "../i18n/text";
import { LoginPage } from "../session/LoginPage";
import { useSession } from "../session/session";
import { Notice } from "../ui/Notice";
import { go, NavLink, useAddress } from "./router";
import { Shell } from "./Shell";

// A caller on a phone loads the caller's page only, without the chart and the console.
const CallPage = lazy(async () => ({ default: (await import("../call/CallPage")).CallPage }));
const DeskPage = lazy(async () => ({ default: (await import("../desk/DeskPage")).DeskPage }));
const FloorPage = lazy(async () => ({ default: (await import("../floor/FloorPage")).FloorPage }));
const Workplace = lazy(async () => ({ default: (await import("../desk/Workplace")).Workplace }));
const LivePage = lazy(async () => ({ default: (await import("../live/LivePage")).LivePage }));
const QaCallPage = lazy(async () => ({ default: (await import("../qa/QaCallPage")).QaCallPage }));
const QaListPage = lazy(async () => ({ default: (await import("../qa/QaListPage")).QaListPage }));

export function App() {
  const { state } = useSession();
  const forCallers = useAddress().pathname === "/call";
  const page = (
    <Shell>
      <Suspense fallback={<Waiting />}>
        <Page />
      </Suspense>
    </Shell>
  );
  if (state.name !== "in" || forCallers) return page;
  return (
    <Suspense fallback={<Waiting />}>
      <Workplace key={state.session.user} session={state.session}>
        {page}
      </Workplace>
    </Suspense>
  );
}

function Page() {
  const path = useAddress().pathname.replace(/\/+$/, "") || "/";
  const replayed = /^\/qa\/([^/]+)$/.exec(path)?.[1];
  if (path === "/call") return <CallPage />;
  if (path === "/login") return <LoginPage />;
  if (path === "/") return <Guarded>{<LivePage />}</Guarded>;
  if (path === "/desk") return <Guarded>{<DeskPage />}</Guarded>;
  if (path === "/floor") return <Guarded>{<FloorPage />}</Guarded>;
  if (path === "/qa") return <Guarded>{<QaListPage />}</Guarded>;
  if (replayed !== undefined) {
    const call = decodeURIComponent(replayed);
    return (
      <Guarded>
        <QaCallPage key={call} call={call} />
      </Guarded>
    );
  }
  return <NotFound />;
}

/** Shows a page to whoever is signed in and leads everybody else to the sign-in. */
function Guarded({ children }: { readonly children: ReactNode }) {
  const { t } = useText();
  const { state, askAgain } = useSession();
  const address = useAddress();
  const here = address.pathname + address.search;
  useEffect(() => {
    if (state.name === "out") go(`/login?next=${encodeURIComponent(here)}`, { replace: true });
  }, [state, here]);
  if (state.name === "in") return children;
  if (state.name === "unreachable") {
    return (
      <main id="main" className="page">
        <Notice
          title={t.app.unreachable}
          action={
            <button type="button" className="button" onClick={askAgain}>
              {t.app.retry}
            </button>
          }
        />
      </main>
    );
  }
  return <Waiting />;
}

function Waiting() {
  const { t } = useText();
  return (
    <main id="main" className="page" aria-busy="true">
      <p className="visually-hidden">{t.app.loading}</p>
    </main>
  );
}

function NotFound() {
  const { t } = useText();
  return (
    <main id="main" className="page">
      <h1 className="visually-hidden">{t.app.notFound}</h1>
      <Notice
        title={t.app.notFound}
        action={
          <NavLink to="/" className="button">
            {t.app.live}
          </NavLink>
        }
      >
        {t.app.notFoundHint}
      </Notice>
    </main>
  );
}
