import { useEffect, type ReactNode } from "react";
import { CallPage } from "../call/CallPage";
import { useText } from "../i18n/text";
import { LivePage } from "../live/LivePage";
import { QaCallPage } from "../qa/QaCallPage";
import { QaListPage } from "../qa/QaListPage";
import { LoginPage } from "../session/LoginPage";
import { useSession } from "../session/session";
import { Notice } from "../ui/Notice";
import { go, NavLink, useAddress } from "./router";
import { Shell } from "./Shell";

export function App() {
  return (
    <Shell>
      <Page />
    </Shell>
  );
}

function Page() {
  const path = useAddress().pathname.replace(/\/+$/, "") || "/";
  const replayed = /^\/qa\/([^/]+)$/.exec(path)?.[1];
  if (path === "/call") return <CallPage />;
  if (path === "/login") return <LoginPage />;
  if (path === "/") return <Guarded>{<LivePage />}</Guarded>;
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
