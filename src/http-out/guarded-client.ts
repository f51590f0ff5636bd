import { isIP, type LookupFunction } from 'node:net';
import { Readable } from 'node:stream';
import { Agent, request } from 'undici';
import { isPublicAddress, PRIVATE_ADDRESS, resolvePublicAddresses } from './public-address.ts';

/** A response as far as it was read. */
export interface GuardedResponse {
  readonly status: number;
  readonly headers: { readonly [name: string]: string | string[] | undefined };
  readonly body: string;
}

/** A response with its body as it came. */
interface Download extends Omit<GuardedResponse, 'body'> {
  readonly bytes: Buffer;
}

export interface GuardedRequest {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly headers?: { readonly [name: string]: string };
  readonly body?: string | Buffer;
  /** Asked right before the body is written; after false it is not, and the request fails. Default: it may. */
  readonly mayHandOver?: () => boolean;
  /** Ends the request. */
  readonly signal?: AbortSignal;
  /** Bytes of the response that are read; a longer one is an error, or cut. */
  readonly maxBytes: number;
  /**
   * Whether only the status is of interest: of the body, what comes within MAX_CUT_MS and maxBytes is returned, and the rest is
   * left out. Default: a body that is longer or too late is an error.
   */
  readonly cutsResponse?: boolean;
  /** Time in ms for the whole of it: name, connection, response. */
  readonly maxMillis: number;
}

/** A request without a response. The message has neither the URL nor what was sent. */
export class RequestFailure extends Error {
  /** Whether the server may have the whole request. False: it surely has not. */
  readonly handedOver: boolean;
  readonly timedOut: boolean;
  /** Whether the response has more bytes than were asked for. */
  readonly isTooLong: boolean;

  constructor(
    message: string,
    {
      handedOver,
      timedOut,
      isTooLong = false,
    }: { readonly handedOver: boolean; readonly timedOut: boolean; readonly isTooLong?: boolean },
  ) {
    super(message);
    this.handedOver = handedOver;
    this.timedOut = timedOut;
    this.isTooLong = isTooLong;
  }
}

/** Time in ms to connect, and of an idle connection. */
const MAX_CONNECT_MS = 5000;
const MAX_IDLE_MS = 10_000;
/** Time in ms for a body of no interest. */
const MAX_CUT_MS = 1000;

/**
 * Client for URLs that a tenant chose. It talks HTTPS to public addresses only: the name is resolved once, all of its addresses
 * are checked, and the connection goes to what was checked. Redirects are not followed; time and bytes are bounded.
 */
export class GuardedClient {
  readonly #exempt: (url: URL) => boolean;
  readonly #agents: Agents;

  /**
   * @param exempt URLs that are not checked: those of the operator, see `exempting`, and in tests servers on this machine
   * @param maxConnections to one host, and thus requests to it at once; more wait. For providers it must not be below the sends
   *   that run at once
   */
  constructor(exempt: (url: URL) => boolean = () => false, maxConnections: number | Agents = 4) {
    this.#exempt = exempt;
    this.#agents = typeof maxConnections === 'number' ? openAgents(maxConnections) : maxConnections;
  }

  /**
   * Returns the same client for an account of the operator, who may name servers on private networks: URLs with the scheme, host
   * and port of these ones are not checked. Its connections are those of this client, and are closed with it.
   */
  exempting(urls: readonly string[]): GuardedClient {
    const servers = new Set(urls.filter((text) => URL.canParse(text)).map((text) => toServer(new URL(text))));
    return new GuardedClient((url) => servers.has(toServer(url)) || this.#exempt(url), this.#agents);
  }

  /** Returns why a URL cannot be used, as a predicate (`is …`); undefined: it can, as far as can be seen without resolving it. */
  findFault(text: string): string | undefined {
    if (!URL.canParse(text)) return 'is not a URL';
    const url = new URL(text);
    if (this.#exempt(url)) return undefined;
    if (url.protocol !== 'https:') return 'does not begin with https://';
    if (url.username !== '' || url.password !== '') return 'has a user name or a password';
    if (url.hash !== '') return 'has a part after #';
    return findHostFault(url.hostname);
  }

  /** As `findFault`, for a URL of another protocol: only its host matters. */
  findServerFault(text: string): string | undefined {
    if (!URL.canParse(text)) return 'is not a URL';
    const url = new URL(text);
    if (this.#exempt(url)) return undefined;
    // Only URLs of the web have their hosts in one form: others keep 127.1 or 0x7f000001 as it is written.
    const asWeb = `https://${url.hostname}/`;
    return URL.canParse(asWeb) ? findHostFault(new URL(asWeb).hostname) : 'has no host name that can be used';
  }

  /**
   * Returns the look-up for a connection of another protocol to a URL without fault: it finds public addresses only. Undefined:
   * any address will do.
   */
  getLookup(text: string): LookupFunction | undefined {
    return this.#exempt(new URL(text)) ? undefined : lookUpPublic;
  }

  /**
   * Sends a request, once.
   * @throws RequestFailure for a URL that cannot be used, a response too long or too late, and each network error
   */
  async send(text: string, options: GuardedRequest): Promise<GuardedResponse> {
    const { status, headers, bytes } = await this.#request(text, options);
    return { status, headers, body: bytes.toString('utf8') };
  }

  /**
   * Fetches what a URL leads to, once.
   * @throws RequestFailure as `send`
   */
  download(text: string, options: Pick<GuardedRequest, 'signal' | 'maxBytes' | 'maxMillis'>): Promise<Download> {
    return this.#request(text, options);
  }

  async #request(text: string, options: GuardedRequest): Promise<Download> {
    const fault = this.findFault(text);
    if (fault !== undefined) throw new RequestFailure(`the URL ${fault}`, { handedOver: false, timedOut: false });
    const url = new URL(text);
    const {
      method = 'GET',
      headers = {},
      body,
      maxBytes,
      cutsResponse = false,
      maxMillis,
      mayHandOver,
      signal,
    } = options;
    const deadline = AbortSignal.timeout(maxMillis);
    const content = body === undefined ? undefined : new Content(body, mayHandOver);
    try {
      const response = await request(url, {
        method,
        headers: mergeHeaders(headers, { 'accept-encoding': 'identity', ...content?.headers }),
        ...(content ? { body: Readable.from(content.stream()) } : {}),
        dispatcher: this.#exempt(url) ? this.#agents.exempt : this.#agents.guarded,
        signal: signal ? AbortSignal.any([deadline, signal]) : deadline,
        headersTimeout: maxMillis,
        bodyTimeout: maxMillis,
      });
      if (!cutsResponse && Number(response.headers['content-length']) > maxBytes) {
        response.body.on('error', () => {}).destroy();
        throw toTooLong(maxBytes);
      }
      const bytes = await readBody(response.body, maxBytes, cutsResponse);
      return { status: response.statusCode, headers: response.headers, bytes };
    } catch (error) {
      if (error instanceof RequestFailure) throw error;
      // Without a body nothing tells whether the server has the request, but that the connection was never made.
      const handedOver = content ? content.isWritten : !isConnectError(error);
      throw new RequestFailure(describeError(error), { handedOver, timedOut: deadline.aborted || isTimeout(error) });
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.#agents.guarded.destroy(), this.#agents.exempt.destroy()]);
  }
}

interface Agents {
  /** Connects to public addresses only. */
  readonly guarded: Agent;
  readonly exempt: Agent;
}

function openAgents(maxConnections: number): Agents {
  return {
    guarded: new Agent({
      connect: { lookup: lookUpPublic, timeout: MAX_CONNECT_MS },
      keepAliveTimeout: MAX_IDLE_MS,
      keepAliveMaxTimeout: MAX_IDLE_MS,
      maxHeaderSize: 16 * 1024,
      connections: maxConnections,
    }),
    exempt: new Agent({ connect: { timeout: MAX_CONNECT_MS }, keepAliveTimeout: MAX_IDLE_MS }),
  };
}

function toServer({ protocol, host }: URL): string {
  return `${protocol}//${host}`;
}

/** @param hostname as the URL class returns it for https */
function findHostFault(hostname: string): string | undefined {
  const host = hostname.replace(/^\[|\]$/g, '');
  if (isIP(host) !== 0) return isPublicAddress(host) ? undefined : 'leads to a private address';
  const isLocal = !host.includes('.') || /(^|\.)(localhost|local|internal|arpa)\.?$/i.test(host);
  return isLocal ? 'has a host name that is not a public one' : undefined;
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

/** Returns headers, each name once, whatever its letters: the last one counts. */
function mergeHeaders(...all: readonly { readonly [name: string]: string }[]): { [name: string]: string } {
  const entries = all.flatMap((headers) => Object.entries(headers));
  return Object.fromEntries(new Map(entries.map((entry) => [entry[0].toLowerCase(), entry] as const)).values());
}

/** A body that is written in one piece, as soon as there is a connection. */
class Content {
  readonly headers: { readonly [name: string]: string };
  readonly #bytes: Buffer;
  readonly #mayHandOver: () => boolean;
  /** Whether the server may have all of it. */
  isWritten = false;

  constructor(body: string | Buffer, mayHandOver: () => boolean = () => true) {
    this.#bytes = Buffer.from(body);
    this.#mayHandOver = mayHandOver;
    this.headers = { 'content-length': String(this.#bytes.length) };
  }

  async *stream(): AsyncGenerator<Buffer> {
    if (!this.#mayHandOver()) {
      const message = 'the request was not handed over: too much time had passed';
      throw new RequestFailure(message, { handedOver: false, timedOut: false });
    }
    this.isWritten = true;
    yield this.#bytes;
  }
}

async function readBody(body: Readable, maxBytes: number, isCut = false): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  // The status is known: what comes late is left out.
  let wasCut = false;
  const cut = () => {
    wasCut = true;
    body.destroy(new Error('cut'));
  };
  const tooLate = isCut ? setTimeout(cut, MAX_CUT_MS) : undefined;
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      // Leaving the loop destroys the body, and with it the connection.
      if (bytes > maxBytes && isCut) {
        chunks.push(chunk);
        break;
      }
      if (bytes > maxBytes) throw toTooLong(maxBytes);
      chunks.push(chunk);
    }
  } catch (error) {
    if (!wasCut) throw error;
  } finally {
    clearTimeout(tooLate);
  }
  return Buffer.concat(chunks).subarray(0, maxBytes);
}

function toTooLong(maxBytes: number): RequestFailure {
  const failure = { handedOver: true, timedOut: false, isTooLong: true };
  return new RequestFailure(`the response has more than ${maxBytes} bytes`, failure);
}

const CONNECT_ERRORS: ReadonlySet<unknown> = new Set([
  PRIVATE_ADDRESS,
  'UND_ERR_CONNECT_TIMEOUT',
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
]);

function isConnectError(error: unknown): boolean {
  return CONNECT_ERRORS.has((error as NodeJS.ErrnoException).code);
}

function isTimeout(error: unknown): boolean {
  return /TIMEOUT/.test(String((error as NodeJS.ErrnoException).code));
}

/** Returns what failed, without the address of the server or anything that it said. */
function describeError(error: unknown): string {
  const { name, code } = error as NodeJS.ErrnoException;
  if (name === 'TimeoutError' || name === 'AbortError' || isTimeout(error)) return 'there was no response in time';
  if (code === PRIVATE_ADDRESS) return 'the host leads to a private address';
  return typeof code === 'string' ? `the connection failed (${code})` : 'the connection failed';
}
