/** Icons as inline SVG, sized by the text around them and hidden from assistive technology. */

import type { ReactNode } from "react";
import type { HintKind } from "../wire/events";

function Icon({ children }: { readonly children: ReactNode }) {
  return (
    <svg className="icon" viewBox="0 0 20 20" aria-hidden="true" focusable="false">
      {children}
    </svg>
  );
}

export const PhoneIcon = () => (
  <Icon>
    <path d="M6.3 2.9 4.1 4.2c-.7.4-1 1.2-.8 2 .7 2.4 2 4.7 3.9 6.600s4.2 3.2 6.6 3.900c.8.2 1.6-.1 2-.8l1.3-2.200c.3-.5.1-1.2-.4-1.500l-2.9-1.700c-.5-.3-1.1-.2-1.5.2l-.9.9a9.5 9.5 0 0 1-3.1-3.100l.9-.9c.4-.4.5-1 .2-1.500L7.8 3.300c-.3-.5-1-.7-1.5-.4Z" />
  </Icon>
);

export const HangUpIcon = () => (
  <Icon>
    <path d="M2.3 12.200c-.6-.8-.5-2 .3-2.600a12.3 12.3 0 0 1 14.8 0c.8.6.9 1.8.3 2.600l-1 1.200c-.3.4-.9.5-1.4.3l-2.5-1.100a1 1 0 0 1-.6-.9V10.300a10 10 0 0 0-4.4 0v1.400a1 1 0 0 1-.6.9l-2.5 1.100c-.5.2-1.1.1-1.4-.3Z" />
  </Icon>
);

export const SunIcon = () => (
  <Icon>
    <circle cx="10" cy="10" r="3.6" />
    <path
      d="M10 1.500v2.200M10 16.300v2.200M1.5 10h2.200M16.3 10h2.200M4 4l1.5 1.500M14.5 14.5 16 16M16 4l-1.5 1.500M5.5 14.5 4 16"
      className="stroke"
    />
  </Icon>
);

export const MoonIcon = () => (
  <Icon>
    <path d="M16.8 12.400A7.2 7.2 0 0 1 7.6 3.200a.5.5 0 0 0-.7-.6 8 8 0 1 0 10.5 10.5.5.5 0 0 0-.6-.7Z" />
  </Icon>
);

export const DownIcon = () => (
  <Icon>
    <path d="M10 3.500v12M4.8 10.5 10 15.700l5.2-5.2" className="stroke" />
  </Icon>
);

export const BackIcon = () => (
  <Icon>
    <path d="M12.5 4.5 7 10l5.5 5.5" className="stroke" />
  </Icon>
);

export const WarningIcon = () => (
  <Icon>
    <path
      fillRule="evenodd"
      d="M8.7 2.700a1.5 1.5 0 0 1 2.6 0l6.8 12a1.5 1.5 0 0 1-1.3 2.300H3.200a1.5 1.5 0 0 1-1.3-2.300ZM9.2 7h1.600v5H9.200Zm0 6.200h1.600v1.600H9.200Z"
    />
  </Icon>
);

export const CloseIcon = () => (
  <Icon>
    <path d="m5 5 10 10M15 5 5 15" className="stroke" />
  </Icon>
);

export const MicrophoneIcon = () => (
  <Icon>
    <path d="M10 2.5a2.5 2.5 0 0 0-2.5 2.5v4.5a2.5 2.5 0 0 0 5 0V5A2.5 2.5 0 0 0 10 2.5Z" />
    <path d="M4.8 9.5a5.2 5.2 0 0 0 10.4 0M10 14.7v2.8" className="stroke" />
  </Icon>
);

export const InfoIcon = () => (
  <Icon>
    <circle cx="10" cy="10" r="7.2" className="stroke" />
    <path d="M10 9.2v4.3M10 6.5v.1" className="stroke" />
  </Icon>
);

export const RiskIcon = () => (
  <Icon>
    <path d="m3 14 4.5-5 3.5 3L17 5.5M12.2 5.5H17v4.8" className="stroke" />
  </Icon>
);

const HINTS: Readonly<Record<HintKind, ReactNode>> = {
  rising_frustration: <path d="M10 17V4M5 9l5-5 5 5" className="stroke" />,
  talking_over: (
    <path d="M3 4h8.5v6.5H7L4.5 13v-2.5H3ZM14 7.5h3V14h-1.5v2.5L13 14H9.5v-1.2" className="stroke" />
  ),
  long_silence: (
    <>
      <circle cx="10" cy="10" r="7" className="stroke" />
      <path d="M8 7v6M12 7v6" className="stroke" />
    </>
  ),
  speaking_too_fast: <path d="m3.5 5 5.5 5-5.5 5M10.5 5l5.5 5-5.5 5" className="stroke" />,
};

/** The sign of a kind of hint; that of a conversation where a newer server knows more kinds. */
export function HintIcon({ kind }: { readonly kind: string }) {
  return <Icon>{HINTS[kind as HintKind] ?? <path d="M3 4h14v9.5h-7L6.5 17v-3.5H3Z" className="stroke" />}</Icon>;
}

export const Logo = () => (
  <svg className="logo" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
    <rect width="32" height="32" rx="8" className="logo-ground" />
    <path d="M5 17h5l2.5-7 4 13 3.5-9 2 3H27" className="logo-line" />
  </svg>
);
