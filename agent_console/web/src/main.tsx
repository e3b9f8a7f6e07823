// First, so that what pages say about themselves stands behind it.
import "./ui/tokens.css";
import "./ui/base.css";
import "./ui/controls.css";
import "./app/frame.css";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app/App";
import { Fallback } from "./app/Fallback";
import { TextProvider } from "./i18n/text";
import { SessionProvider } from "./session/session";
import { restoreTheme } from "./ui/theme";

restoreTheme();

const root = document.getElementById("root");
if (root === null) throw new Error("index.html holds an element with the id root.");
createRoot(root).render(
  <StrictMode>
    <TextProvider>
      <Fallback>
        <SessionProvider>
          <App />
        </SessionProvider>
      </Fallback>
    </TextProvider>
  </StrictMode>,
);
