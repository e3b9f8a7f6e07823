/** The page asked for before signing in; only addresses of this app count. */
export function destination(next: string | null): string {
  return next !== null && /^\/(?![/\\])/.test(next) && !next.startsWith("/login") ? next : "/";
}
