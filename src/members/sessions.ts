import type { IncomingHttpHeaders } from 'node:http';
import type pg from 'pg';
import type { Millis } from '../model/event.ts';
import { listMemberships, type Membership } from '../store/members/members.ts';
import { deleteSession, insertSession, useSession } from '../store/members/sessions.ts';
import { withTransaction } from '../store/pg/transaction.ts';
import { ServerCookie } from './cookies.ts';
import { drawSecret, hashSecret } from './secrets.ts';

/** Time in ms after which a session ends: since its latest use, and since the login. */
const MAX_IDLE_MS: Millis = 2 * 3_600_000;
const MAX_SESSION_MS: Millis = 12 * 3_600_000;

/** One that can log in, as the login proved it. */
export interface LoginIdentity {
  readonly issuer: string;
  readonly subject: string;
  readonly name: string;
}

/** A member who is logged in. */
export interface LoggedIn {
  readonly name: string;
  readonly memberships: readonly Membership[];
}

/** Sessions of members in the console: a random value in a cookie, of which the database has the hash. */
export class Sessions {
  readonly #owner: pg.Pool;
  readonly #clock: () => Millis;
  readonly #cookie: ServerCookie;

  /** @param options.owner connections of the owner: a session is of no tenant */
  constructor({ owner, clock, isSecure }: { owner: pg.Pool; clock: () => Millis; isSecure: boolean }) {
    this.#owner = owner;
    this.#clock = clock;
    this.#cookie = new ServerCookie('tidings_session', isSecure);
  }

  hasCookie(headers: IncomingHttpHeaders): boolean {
    return this.#cookie.read(headers) !== undefined;
  }

  /** Returns who is logged in, as of now: a change of a role, and a removal, count at once. Undefined: the caller is not. */
  async find(headers: IncomingHttpHeaders): Promise<LoggedIn | undefined> {
    const secret = this.#cookie.read(headers);
    if (secret === undefined) return undefined;
    const session = await useSession(this.#owner, hashSecret(secret), this.#clock(), MAX_IDLE_MS);
    if (!session) return undefined;
    return {
      name: session.name,
      memberships: await listMemberships(this.#owner, session.issuer, session.subject),
    };
  }

  /** Logs a member in, under a new secret. Returns the header `set-cookie`. */
  async start({ issuer, subject, name }: LoginIdentity): Promise<string> {
    const secret = drawSecret();
    const now = this.#clock();
    const session = { issuer, subject, name, expiresAt: now + MAX_SESSION_MS };
    await withTransaction(this.#owner, (connection) => insertSession(connection, hashSecret(secret), session, now));
    return this.#cookie.write(secret, MAX_SESSION_MS / 1000);
  }

  /** Logs out. Returns the header `set-cookie`. */
  async end(headers: IncomingHttpHeaders): Promise<string> {
    const secret = this.#cookie.read(headers);
    if (secret !== undefined) await deleteSession(this.#owner, hashSecret(secret));
    return this.#cookie.write('', 0);
  }
}
