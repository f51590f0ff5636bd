import type { IncomingHttpHeaders } from 'node:http';
import { parse } from 'cookie';
import { ServerCookie } from './cookies.ts';
import { hashSecret } from './secrets.ts';

const NAME = 'tidings_login';

/** Logins that one browser may have under way: beyond it, those before are forgotten, so that its requests do not grow. */
const MAX_LOGINS = 5;

/** Cookies that bind a browser to its logins. Each login has its own: one that is begun in a second tab does not end the first. */
export class LoginCookies {
  readonly #isSecure: boolean;

  /** @param isSecure as of ServerCookie */
  constructor(isSecure: boolean) {
    this.#isSecure = isSecure;
  }

  /** Returns the headers `set-cookie` of a login that begins. @param seconds how long it may take */
  begin(state: string, seconds: number, { cookie = '' }: IncomingHttpHeaders): string[] {
    const prefix = this.#isSecure ? `__Host-${NAME}_` : `${NAME}_`;
    const others = Object.keys(parse(cookie)).filter((name) => name.startsWith(prefix));
    const forgotten = others.length < MAX_LOGINS ? [] : others.map((name) => this.#cookieOf(name.slice(prefix.length)));
    return [...forgotten.map((one) => one.write('', 0)), this.#cookieOf(toId(state)).write(state, seconds)];
  }

  /** Whether a request comes from the browser that began the login with this state. */
  isOf(state: string, headers: IncomingHttpHeaders): boolean {
    return this.#cookieOf(toId(state)).read(headers) === state;
  }

  /** Returns the header `set-cookie` that ends the binding to one login. */
  forget(state: string): string {
    return this.#cookieOf(toId(state)).write('', 0);
  }

  #cookieOf(id: string): ServerCookie {
    return new ServerCookie(`${NAME}_${id}`, this.#isSecure);
  }
}

/** Returns which login a state is of, for the name of a cookie: a part of its hash, because names are less protected than values. */
function toId(state: string): string {
  return hashSecret(state).toString('hex', 0, 8);
}
