import { isIP } from 'node:net';
import { ConfigError } from '../errors.ts';
import { splitList } from '../lib/text/split-list.ts';
import type { Environment } from './values.ts';

/** OpenID provider of the members who log in to the console. */
export interface OidcSettings {
  readonly issuer: string;
  readonly clientId: string;
  /** Null: a public client. */
  readonly clientSecret: string | null;
}

/** Hosts and addresses that only this machine reaches. */
export const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|::1|\[::1\])$/;

const OIDC_SETTINGS = ['TIDINGS_OIDC_ISSUER', 'TIDINGS_OIDC_CLIENT_ID', 'TIDINGS_PUBLIC_URL'] as const;

/** Reads the OpenID provider of the console; null: there is no login by one. */
export function parseOidc(env: Environment): OidcSettings | null {
  if (!env.TIDINGS_OIDC_ISSUER && !env.TIDINGS_OIDC_CLIENT_ID) return null;
  const missing = OIDC_SETTINGS.find((name) => !env[name]);
  if (missing !== undefined) {
    throw new ConfigError(`the login to the console needs ${OIDC_SETTINGS.join(', ')}; ${missing} is not set`);
  }
  return {
    issuer: parseWebUrl('TIDINGS_OIDC_ISSUER', env.TIDINGS_OIDC_ISSUER as string),
    clientId: env.TIDINGS_OIDC_CLIENT_ID as string,
    clientSecret: env.TIDINGS_OIDC_CLIENT_SECRET || null,
  };
}

/** Returns a URL without a slash at its end. Codes and cookies travel to it: only on this machine without TLS. */
export function parseWebUrl(name: string, value: string): string {
  const url = URL.canParse(value) ? new URL(value) : null;
  const isSafe = url?.protocol === 'https:' || (url?.protocol === 'http:' && LOOPBACK.test(url.hostname));
  if (!url || !isSafe || url.search !== '' || url.hash !== '' || url.username !== '') {
    throw new ConfigError(`${name} must be an https:// URL without ? and # (http:// is accepted for localhost only)`);
  }
  if (name === 'TIDINGS_PUBLIC_URL' && url.pathname !== '/') {
    throw new ConfigError(`${name} must have no path: the console is at / of its host`);
  }
  return url.href.replace(/\/$/, '');
}

const MAX_TRUSTED_PROXIES = 100;

/** Reads proxies whose `x-forwarded-for` is believed: addresses and networks. */
export function parseTrustedProxies(value: string | undefined): readonly string[] {
  const proxies = splitList(value);
  if (proxies.length > MAX_TRUSTED_PROXIES) {
    throw new ConfigError(`TIDINGS_TRUSTED_PROXIES has more than ${MAX_TRUSTED_PROXIES} addresses and networks`);
  }
  for (const proxy of proxies) {
    if (isNetwork(proxy)) continue;
    throw new ConfigError(
      `TIDINGS_TRUSTED_PROXIES has "${proxy}"; write addresses and networks such as 10.0.0.0/8, separated by commas`,
    );
  }
  return proxies;
}

/** Reads origins whose pages may call the API of users; `*`: every origin. */
export function parseOrigins(value: string | undefined): readonly string[] {
  return splitList(value).map((text) => {
    const url = URL.canParse(text) ? new URL(text) : null;
    if (text === '*' || (url && /^https?:$/.test(url.protocol) && url.href === `${url.origin}/`))
      return url?.origin ?? '*';
    throw new ConfigError(
      `TIDINGS_ALLOWED_ORIGINS has "${text}"; write * or origins such as https://shop.example.com, separated by commas`,
    );
  });
}

/** Returns whether a text is an IP address, alone or with the length of a prefix (CIDR). A prefix of length 0 is everything. */
function isNetwork(text: string): boolean {
  const [address = '', length, ...others] = text.split('/');
  const bits = { 0: 0, 4: 32, 6: 128 }[isIP(address)] ?? 0;
  if (bits === 0 || others.length > 0) return false;
  return length === undefined || (/^\d{1,3}$/.test(length) && Number(length) >= 1 && Number(length) <= bits);
}
