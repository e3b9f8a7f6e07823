/** The frame around every page: brand, navigation, theme and language, sign-out. */

import type { ReactNode } from "react";
import { DeskBar } from "../desk/DeskBar";
import { PresenceSwitch } from "../desk/PresenceSwitch";
import { useDesk, useMaybeWorkplace } from "../desk/workplace";
import { useText } from "../i18n/text";
import { useSession } from "../session/session";
import { Logo, MoonIcon, SunIcon } from "../ui/icons";
import { chooseTheme, useTheme } from "../ui/theme";
import { NavLink, useAddress } from "./router";

export function Shell({ children }: { readonly children: ReactNode }) {
  const { t } = useText();
  const { state, leave } = useSession();
  const { pathname } = useAddress();
  const forCallers = pathname === "/call";
  const place = useMaybeWorkplace();
  const presence = useDesk(place)?.presence;
  const signOut = async (): Promise<void> => {
    // Whoever goes is not offered another caller; one who cannot be told is signed off by the desk itself.
    if (presence !== undefined && presence !== "offline") await place?.desk?.setPresence("offline");
    await leave();
  };
  return (
    <>
      <a className="skip" href="#main">
        {t.app.skip}
      </a>
      <header className="top">
        <NavLink to={forCallers ? "/call" : "/"} className="brand">
          <Logo />
          <span>{t.app.name}</span>
        </NavLink>
        {state.name === "in" && !forCallers ? (
          <nav aria-label={t.app.mainNavigation} className="top-nav">
            <NavLink to="/" current={pathname === "/"}>
              {t.app.live}
            </NavLink>
            {place?.desk == null ? null : (
              <NavLink to="/desk" current={pathname === "/desk"}>
                {t.app.desk}
              </NavLink>
            )}
            {place?.supervises === true ? (
              <NavLink to="/floor" current={pathname === "/floor"}>
                {t.app.floor}
              </NavLink>
            ) : null}
            <NavLink to="/qa" current={pathname.startsWith("/qa")}>
              {t.app.qa}
            </NavLink>
          </nav>
        ) : null}
        <div className="top-end">
          <PresenceSwitch />
          {forCallers ? null : <TongueToggle />}
          <ThemeToggle />
          {state.name === "in" && !forCallers ? (
            <div className="who">
              <span className="who-name" title={state.session.role}>
                {state.session.name}
              </span>
              <button type="button" className="button quiet" onClick={() => void signOut()} data-testid="sign-out">
                {t.app.signOut}
              </button>
            </div>
          ) : null}
        </div>
      </header>
      <DeskBar />
      {children}
    </>
  );
}

function ThemeToggle() {
  const { t } = useText();
  const theme = useTheme();
  const label = theme === "dark" ? t.app.toLight : t.app.toDark;
  return (
    <button
      type="button"
      className="button quiet square"
      aria-label={label}
      title={label}
      onClick={() => chooseTheme(theme === "dark" ? "light" : "dark")}
      data-testid="theme-toggle"
    >
      {theme === "dark" ? <SunIcon /> : <MoonIcon />}
    </button>
  );
}

function TongueToggle() {
  const { t, tongue, speak } = useText();
  const other = tongue === "zh-CN" ? "en" : "zh-CN";
  return (
    <button
      type="button"
      className="button quiet"
      lang={other}
      title={t.app.languageLabel}
      onClick={() => speak(other)}
      data-testid="language-toggle"
    >
      {t.app.language}
    </button>
  );
}
