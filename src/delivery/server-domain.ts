import type { Target } from '../model/delivery.ts';

/** Returns the domain whose servers take what is sent to a target; undefined: the provider chooses the server. */
export function getServerDomain(target: Target): string | undefined {
  if (target.kind === 'email') return getEmailDomain(target.address);
  // The endpoint of a browser is a URL of its user.
  return target.kind === 'browser' && URL.canParse(target.endpoint) ? new URL(target.endpoint).host : undefined;
}

/** Returns the domain of an email address in lower case; undefined without one. */
export function getEmailDomain(address: string): string | undefined {
  const at = address.lastIndexOf('@');
  return at === -1 ? undefined : address.slice(at + 1).toLowerCase();
}
