import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { TidingsError } from '../errors.ts';
import { RateLimiter } from '../lib/concurrency/rate-limiter.ts';
import type { Credentials } from '../tenants/authenticator.ts';
import { toClientNetwork } from './client-network.ts';

/** Addresses in memory; one takes some 150 bytes. */
const MAX_ADDRESSES = 20_000;
/** Failed authentications of an address: in 10 minutes. Beyond it, its credentials are not looked at. */
const MAX_FAILURES = { limit: 300, window: 600_000, max: MAX_ADDRESSES };
/** Requests of an address to routes that need no key: in a minute. */
const MAX_PUBLIC_REQUESTS = { limit: 600, window: 60_000, max: MAX_ADDRESSES };
/** Logins that an address begins: in 10 minutes. Each is a row until it expires; a few addresses must not use up all of them. */
const MAX_LOGINS = { limit: 200, window: 600_000, max: MAX_ADDRESSES };
/** The longest name of a host (RFC 1035). */
const MAX_HOST_CHARS = 253;
/** Pairs of an address and a credential that was right, in memory; one takes some 200 bytes. */
const MAX_KNOWN = 20_000;

/**
 * Limits of what an address may do without a valid credential, counted by each process on its own. Behind a proxy that is
 * not in TIDINGS_TRUSTED_PROXIES, all callers have one address: so credentials that were right from that address before are
 * accepted also while it is over its limit.
 */
export class AddressLimits {
  readonly #failures = new RateLimiter(MAX_FAILURES);
  readonly #publicRequests = new RateLimiter(MAX_PUBLIC_REQUESTS);
  readonly #logins = new RateLimiter(MAX_LOGINS);
  readonly #known = new LRUCache<string, true>({ max: MAX_KNOWN });

  /** Counts a request to a route that needs no key. @throws TidingsError `rate_limited` */
  countPublicRequest(address: string): void {
    const network = toClientNetwork(address);
    rejectIfOver(this.#publicRequests.wait(network));
    this.#publicRequests.use(network);
  }

  /** Counts the begin of a login. @throws TidingsError `rate_limited` */
  countLogin(address: string): void {
    const network = toClientNetwork(address);
    rejectIfOver(this.#logins.wait(network));
    this.#logins.use(network);
  }

  /** @throws TidingsError `rate_limited` if too many authentications of the address have failed */
  checkFailures(credentials: Credentials): void {
    const wait = this.#failures.wait(toClientNetwork(credentials.address));
    if (wait > 0 && !this.#known.get(identify(credentials))) rejectIfOver(wait);
  }

  /** Counts a failed authentication. */
  countFailure({ address }: Credentials): void {
    this.#failures.use(toClientNetwork(address));
  }

  /** Remembers credentials that were right. */
  remember(credentials: Credentials): void {
    this.#known.set(identify(credentials), true);
  }
}

function rejectIfOver(wait: number): void {
  if (wait === 0) return;
  throw new TidingsError('rate_limited', `Too many requests from this address; try again in ${wait} s.`, {
    retryAfter: wait,
  });
}

function identify({ address, token, headers, hostname }: Credentials): string {
  const secret = token ?? headers.cookie;
  const credential =
    secret === undefined ? `host ${hostname.slice(0, MAX_HOST_CHARS)}` : hash('sha256', secret, 'base64');
  return `${toClientNetwork(address)} ${credential}`;
}
