/** Icons as inline SVG, sized by the text around them and hidden from assistive technology. */

import type { ReactNode } from "react";

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

export const Logo = () => (
  <svg className="logo" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
    <rect width="32" height="32" rx="8" className="logo-ground" />
    <path d="M5 17h5l2.5-7 4 13 3.5-9 2 3H27" className="logo-line" />
  </svg>
);
