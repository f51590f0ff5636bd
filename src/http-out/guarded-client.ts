import { isIP, type LookupFunction } from 'node:net';
import { Agent, request } from 'undici';
import { isPublicAddress, resolvePublicAddresses } from './public-address.ts';

/** A response as far as it was read. */
export interface GuardedResponse {
  readonly status: number;
  readonly headers: { readonly [name: string]: string | string[] | undefined };
  readonly body: string;
}

export interface GuardedRequest {
  readonly method?: 'GET' | 'POST';
  readonly headers?: { readonly [name: string]: string };
  readonly body?: string;
  /** Bytes of the response that are read; a longer one is an error. */
  readonly maxBytes: number;
  /** Time in ms for the whole of it: name, connection, response. */
  readonly maxMillis: number;
}

/** Time in ms to connect, and of an idle connection. */
const MAX_CONNECT_MS = 5000;
const MAX_IDLE_MS = 10_000;

/**
 * Client for URLs that a tenant chose. It talks HTTPS to public addresses only: the name is resolved once, all of its addresses
 * are checked, and the connection goes to what was checked. Redirects are not followed; time and bytes are bounded.
 */
export class GuardedClient {
  readonly #exempt: (url: URL) => boolean;
  readonly #agent = new Agent({
    connect: { lookup: lookUpPublic, timeout: MAX_CONNECT_MS },
    keepAliveTimeout: MAX_IDLE_MS,
    keepAliveMaxTimeout: MAX_IDLE_MS,
    maxHeaderSize: 16 * 1024,
    connections: 4,
  });
  readonly #exemptAgent = new Agent({ connect: { timeout: MAX_CONNECT_MS }, keepAliveTimeout: MAX_IDLE_MS });

  /** @param exempt for tests with a server on this machine: URLs that are not checked. No setting leads to it. */
  constructor(exempt: (url: URL) => boolean = () => false) {
    this.#exempt = exempt;
  }

  /** Returns why a URL cannot be used, as a predicate (`is …`); undefined: it can, as far as can be seen without resolving it. */
  findFault(text: string): string | undefined {
    if (!URL.canParse(text)) return 'is not a URL';
    const url = new URL(text);
    if (this.#exempt(url)) return undefined;
    if (url.protocol !== 'https:') return 'does not begin with https://';
    if (url.username !== '' || url.password !== '') return 'has a user name or a password';
    if (url.hash !== '') return 'has a part after #';
    const host = url.hostname.replace(/^\[|\]$/g, '');
    if (isIP(host) !== 0 && !isPublicAddress(host)) return 'leads to a private address';
    if (isIP(host) === 0 && (!host.includes('.') || /(^|\.)(localhost|local|internal|arpa)\.?$/i.test(host))) {
      return 'has a host name that is not a public one';
    }
    return undefined;
  }

  /** Sends a request. @throws Error for a URL that cannot be used, a response too long or too late, and each network error */
  async send(text: string, options: GuardedRequest): Promise<GuardedResponse> {
    const fault = this.findFault(text);
    if (fault !== undefined) throw new Error(`the URL ${fault}`);
    const url = new URL(text);
    const { method = 'GET', headers = {}, body, maxBytes, maxMillis } = options;
    const response = await request(url, {
      method,
      headers: { 'accept-encoding': 'identity', ...headers },
      ...(body === undefined ? {} : { body }),
      dispatcher: this.#exempt(url) ? this.#exemptAgent : this.#agent,
      signal: AbortSignal.timeout(maxMillis),
      headersTimeout: maxMillis,
      bodyTimeout: maxMillis,
    });
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of response.body as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      // Leaving the loop destroys the body, and with it the connection.
      if (bytes > maxBytes) throw new Error(`the response has more than ${maxBytes} bytes`);
      chunks.push(chunk);
    }
    return { status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks).toString('utf8') };
  }

  async close(): Promise<void> {
    await Promise.all([this.#agent.destroy(), this.#exemptAgent.destroy()]);
  }
}

/** Resolves a name for a connection; the connection then goes to one of these addresses. */
const lookUpPublic: LookupFunction = (name, options, callback) => {
  resolvePublicAddresses(name).then(
    (addresses) => {
      const [first] = addresses;
      if (options.all) callback(null, addresses);
      else callback(null, first!.address, first!.family);
    },
    (error: NodeJS.ErrnoException) => callback(error, '', 0),
  );
};
