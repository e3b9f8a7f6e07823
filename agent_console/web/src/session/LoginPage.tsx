import { useEffect, useState, type SyntheticEvent } from "react";
import { go, NavLink, useAddress } from "../app/router";
import { useText } from "../i18n/text";
import type { Dictionary } from "../i18n/zh";
import { Logo } from "../ui/icons";
import { signIn } from "../wire/api";
import { Problem } from "../wire/http";
import { destination } from "./destination";
import { useSession } from "./session";
import "./session.css";

function explain(problem: Problem, t: Dictionary): string {
  if (problem.status === 401) return t.session.failed;
  if (problem.status === 429) return t.session.throttled(problem.retryAfterS);
  if (problem.status === 0) return t.app.unreachable;
  return t.app.failed(problem.code);
}

export function LoginPage() {
  const { t } = useText();
  const { state, entered } = useSession();
  const next = destination(useAddress().searchParams.get("next"));
  const [user, setUser] = useState("");
  const [password, setPassword] = useState("");
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);

  useEffect(() => {
    document.title = `${t.session.title} · ${t.app.name}`;
  }, [t]);
  useEffect(() => {
    if (state.name === "in") go(next, { replace: true });
  }, [state, next]);

  const submit = (event: SyntheticEvent): void => {
    event.preventDefault();
    setBusy(true);
    setProblem(null);
    signIn(user, password)
      .then(entered, (error: unknown) => {
        if (!(error instanceof Problem)) throw error;
        setProblem(error);
        setPassword("");
      })
      .finally(() => setBusy(false));
  };

  return (
    <main id="main" className="login">
      <form className="login-card" onSubmit={submit}>
        <Logo />
        <h1>{t.session.title}</h1>
        <p className="login-lead">{t.session.lead}</p>
        <label className="field">
          <span>{t.session.user}</span>
          <input
            name="user"
            autoComplete="username"
            required
            value={user}
            onChange={(event) => setUser(event.target.value)}
            data-testid="login-user"
          />
        </label>
        <label className="field">
          <span>{t.session.password}</span>
          <input
            name="password"
            type="password"
            autoComplete="current-password"
            required
            value={password}
            onChange={(event) => setPassword(event.target.value)}
            data-testid="login-password"
          />
        </label>
        <div role="alert" className="login-error" data-testid="login-error">
          {problem !== null ? explain(problem, t) : state.name === "out" && state.expired ? t.session.expired : null}
        </div>
        <button type="submit" className="button primary wide" disabled={busy} data-testid="login-submit">
          {busy ? t.session.signingIn : t.session.signIn}
        </button>
        <p className="login-foot">
          {t.session.noAccount} <code>warmline users add</code>
        </p>
        <p className="login-foot">
          {t.session.callerHint} <NavLink to="/call">{t.session.callerLink}</NavLink>
        </p>
      </form>
    </main>
  );
}
