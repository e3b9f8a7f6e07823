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
    <path d="M6.3 2.9 4.1 4.2c-.7.4-1 1.2-.8 2 .7 2.4 2 4.7 3.9 6.6s4.2 3.2 6.6 3.9c.8.2 1.6-.1 2-.8l1.3-2.2c.3-.5.1-1.2-.4-1.5l-2.9-1.7c-.5-.3-1.1-.2-1.5.2l-.9.9a9.5 9.5 0 0 1-3.1-3.1l.9-.9c.4-.4.5-1 .2-1.5L7.8 3.3c-.3-.5-1-.7-1.5-.4Z" />
  </Icon>
);

export const HangUpIcon = () => (
  <Icon>
    <path d="M2.3 12.2c-.6-.8-.5-2 .3-2.6a12.3 12.3 0 0 1 14.8 0c.8.6.9 1.8.3 2.6l-1 1.2c-.3.4-.9.5-1.4.3l-2.5-1.1a1 1 0 0 1-.6-.9V10.3a10 10 0 0 0-4.4 0v1.4a1 1 0 0 1-.6.9l-2.5 1.1c-.5.2-1.1.1-1.4-.3Z" />
  </Icon>
);

export const SunIcon = () => (
  <Icon>
    <circle cx="10" cy="10" r="3.6" />
    <path
      d="M10 1.5v2.2M10 16.3v2.2M1.5 10h2.2M16.3 10h2.2M4 4l1.5 1.5M14.5 14.5 16 16M16 4l-1.5 1.5M5.5 14.5 4 16"
      className="stroke"
    />
  </Icon>
);

export const MoonIcon = () => (
  <Icon>
    <path d="M16.8 12.4A7.2 7.2 0 0 1 7.6 3.2a.5.5 0 0 0-.7-.6 8 8 0 1 0 10.5 10.5.5.5 0 0 0-.6-.7Z" />
  </Icon>
);

export const DownIcon = () => (
  <Icon>
    <path d="M10 3.5v12M4.8 10.5 10 15.7l5.2-5.2" className="stroke" />
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
      d="M8.7 2.7a1.5 1.5 0 0 1 2.6 0l6.8 12a1.5 1.5 0 0 1-1.3 2.3H3.2a1.5 1.5 0 0 1-1.3-2.3ZM9.2 7h1.6v5H9.2Zm0 6.2h1.6v1.6H9.2Z"
    />
  </Icon>
);

export const CloseIcon = () => (
  <Icon>
    <path d="m5 5 10 10M15 5 5 15" className="stroke" />
  </Icon>
);

export const BellIcon = () => (
  <Icon>
    <path d="M10 3a4.5 4.5 0 0 0-4.5 4.5v3L4 13.5h12l-1.5-3v-3A4.5 4.5 0 0 0 10 3ZM8.3 16a1.8 1.8 0 0 0 3.4 0" className="stroke" />
  </Icon>
);

export const CheckIcon = () => (
  <Icon>
    <path d="m4 10.5 4.2 4L16 5.5" className="stroke" />
  </Icon>
);

export const MutedIcon = () => (
  <Icon>
    <path d="M10 2.5a2.5 2.5 0 0 0-2.5 2.5v4.5a2.5 2.5 0 0 0 5 0V5A2.5 2.5 0 0 0 10 2.5Z" />
    <path d="M4.8 9.5a5.2 5.2 0 0 0 10.4 0M10 14.7v2.8M3 3l14 14" className="stroke" />
  </Icon>
);

export const HoldIcon = () => (
  <Icon>
    <path d="M6.8 4v12M13.2 4v12" className="stroke" />
  </Icon>
);

export const ResumeIcon = () => (
  <Icon>
    <path d="M6 4.2v11.6a.6.6 0 0 0 .9.5l9-5.8a.6.6 0 0 0 0-1l-9-5.8a.6.6 0 0 0-.9.5Z" />
  </Icon>
);

export const RecordIcon = () => (
  <Icon>
    <circle cx="10" cy="10" r="7.2" className="stroke" />
    <circle cx="10" cy="10" r="3.6" />
  </Icon>
);

export const ReturnIcon = () => (
  <Icon>
    <path d="M7.5 5 3.5 9l4 4M4 9h8.5a4 4 0 0 1 0 8H10" className="stroke" />
  </Icon>
);

export const EarIcon = () => (
  <Icon>
    <path d="M5.5 8a4.5 4.5 0 0 1 9 0c0 3.5-3 4-3.5 6.5a2.6 2.6 0 0 1-5 .4M8 8.2a2 2 0 0 1 4 0c0 1.3-1.5 1.6-1.8 3" className="stroke" />
  </Icon>
);

export const PeopleIcon = () => (
  <Icon>
    <circle cx="7" cy="6.5" r="2.8" />
    <path d="M1.8 16a5.2 5.2 0 0 1 10.4 0Z" />
    <path d="M13 4.2a2.8 2.8 0 0 1 0 5M14.5 11.3A5.2 5.2 0 0 1 18 16" className="stroke" />
  </Icon>
);

/** One to four bars: how well audio comes through. */
/** Two who talk. */
export const ConsultIcon = () => (
  <Icon>
    <path d="M3 4.5h8a1 1 0 0 1 1 1v4.4a1 1 0 0 1-1 1H6.6L4 13.2v-2.3H3a1 1 0 0 1-1-1V5.5a1 1 0 0 1 1-1Z" />
    <path d="M14.2 8.2H17a1 1 0 0 1 1 1v4.2a1 1 0 0 1-1 1h-1v2.2l-2.6-2.2H9.8a1 1 0 0 1-1-1v-.8" className="stroke" />
  </Icon>
);

/** One who goes on to another. */
export const TransferIcon = () => (
  <Icon>
    <circle cx="5" cy="10" r="2.6" />
    <path d="M9.5 10h7.2M13.4 6.2 17.2 10l-3.8 3.8" className="stroke" />
  </Icon>
);

/** Three who talk. */
export const ConferenceIcon = () => (
  <Icon>
    <circle cx="10" cy="4.8" r="2.4" />
    <circle cx="4.4" cy="14" r="2.4" />
    <circle cx="15.6" cy="14" r="2.4" />
    <path d="M8.6 7.4 6 11.6M11.4 7.4l2.6 4.2M7.4 14h5.2" className="stroke" />
  </Icon>
);

export function SignalIcon({ bars }: { readonly bars: number }) {
  return (
    <Icon>
      {[0, 1, 2, 3].map((index) => (
        <rect
          key={index}
          x={2.5 + index * 4}
          y={13 - index * 3.3}
          width="2.8"
          height={4 + index * 3.3}
          rx="1"
          className={index < bars ? "" : "unlit"}
        />
      ))}
    </Icon>
  );
}

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
