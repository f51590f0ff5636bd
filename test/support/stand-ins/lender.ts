import { constants, createPrivateKey, privateDecrypt, randomInt, randomUUID } from 'node:crypto';
import { jwtVerify } from 'jose';
import { type SeenRequest, type StandIn, type StandInReply, startStandIn } from './http-stand-in.ts';
import { SNS_CERTIFICATE, SNS_KEY } from './sns-certificate.ts';

/**
 * The services of a lender: the upstream API of customers, the card API, accounts and card numbers, the gateway, and the card
 * network itself, which decrypts what it gets. Card numbers are made here, and nothing but the look-up of a number tells them.
 */

/** Answer of the network for a card, once: a status of the card, a message code, statuses of several cards, or not at all. */
export type CardScript = 'S' | 'I' | 'R' | `REG_${string}` | readonly string[] | 'hang' | 'nonsense';

export const LENDER_SECRETS = {
  shared_key: 'a shared key of both services, long enough',
  certificate: SNS_CERTIFICATE,
  app_token: 'app-token-1',
  fi_token: 'fi-token-1',
  user_name: 'lender',
  password: 'network-password-1',
} as const;

export interface Customer {
  readonly email?: string;
  readonly phone?: string;
  readonly name?: { readonly first: string; readonly last: string };
  readonly time_zone?: string;
  readonly products: readonly { readonly product_uuid: string; readonly type: string; readonly status: string }[];
  readonly preferences?: readonly object[];
}

interface Card {
  readonly reference: string;
  readonly number: string;
  readonly answers: CardScript[];
}

export type Padding = 'oaep-sha1' | 'oaep-sha256' | 'pkcs1-v1.5';

export class Lender {
  readonly #standIn: StandIn;
  readonly #customers = new Map<string, Customer>();
  /** By product. */
  readonly #cards = new Map<string, Card>();
  /** Replies to requests for customers, before those that are ordinary. */
  readonly #upstream = new Map<string, StandInReply[]>();
  /** Tokens that the network decrypted: whether the number is that of a card. */
  readonly decrypted: boolean[] = [];
  readonly #subscribers = new Map<string, string>();
  padding: Padding = 'oaep-sha256';
  /** Answers wait for it. */
  #gate: Promise<StandInReply | undefined> = Promise.resolve(undefined);

  private constructor(standIn: StandIn) {
    this.#standIn = standIn;
  }

  static async start(): Promise<Lender> {
    const standIn = await startStandIn();
    const lender = new Lender(standIn);
    standIn.reply(async (request) => {
      const reply = await lender.#serve(request);
      return (await lender.#gate) ?? reply;
    });
    return lender;
  }

  get url(): string {
    return this.#standIn.url;
  }

  get requests(): readonly SeenRequest[] {
    return this.#standIn.requests;
  }

  /** Requests whose path begins with this. */
  requestsTo(path: string): readonly SeenRequest[] {
    return this.requests.filter((one) => one.path.startsWith(path));
  }

  stop(): Promise<void> {
    return this.#standIn.stop();
  }

  /** Adds a customer; each product of type credit has a card. */
  addCustomer(id: string, customer: Customer): void {
    this.#customers.set(id, customer);
    for (const { product_uuid, type } of customer.products) {
      if (type !== 'credit' || this.#cards.has(product_uuid)) continue;
      this.#cards.set(product_uuid, { reference: `fdr-${randomUUID()}`, number: makeNumber(), answers: [] });
    }
  }

  /** Sets how the next requests for a customer are answered. */
  scriptUpstream(id: string, ...replies: readonly StandInReply[]): void {
    this.#upstream.set(id, [...replies]);
  }

  /** Sets how the network answers the next requests for the card of a product; then `S`. */
  scriptCard(productId: string, ...answers: readonly CardScript[]): void {
    this.#cards.get(productId)?.answers.push(...answers);
  }

  /**
   * Has requests wait for their answers, which are made as they come. Returns what sends the answers.
   * @returns a function whose argument, if there is one, is sent instead of them
   */
  hold(): (instead?: StandInReply) => void {
    let open: (instead?: StandInReply) => void = () => {};
    this.#gate = new Promise((resolve) => {
      open = resolve;
    });
    return (instead) => {
      open(instead);
      this.#gate = Promise.resolve(undefined);
    };
  }

  /** Returns whether a text or bytes hold the number of a card, as text or in base64. */
  knowsNumberIn(bytes: Buffer): boolean {
    return [...this.#cards.values()].some(
      ({ number }) => bytes.includes(number) || bytes.includes(Buffer.from(number).toString('base64')),
    );
  }

  async #serve(request: SeenRequest): Promise<StandInReply> {
    const { pathname } = new URL(request.path, 'http://lender');
    const [, last = ''] = /([^/]+)$/.exec(pathname) ?? [];
    if (pathname.startsWith('/api/v1/customers/')) return this.#serveCustomer(request, decodeURIComponent(last));
    if (pathname === '/fiserver/cbes/perform.do') return this.#serveNetwork(request);
    if (!(await isAuthorized(request))) return { status: 401 };
    if (pathname === '/api/v1/cm/register_valid_user')
      return this.#register(request, (token) => this.#cards.get(token));
    if (pathname === '/cm/api/v2.0/cm/register_valid_user') {
      return this.#register(request, (token) => [...this.#cards.values()].find(({ reference }) => reference === token));
    }
    if (pathname.startsWith('/accounts/')) {
      const card = this.#cards.get(decodeURIComponent(last));
      const reference = card?.reference;
      return card ? { body: { credit_cards: [{ first_data_credit_card_reference: reference }] } } : { status: 404 };
    }
    if (pathname.startsWith('/credit_cards/')) {
      const card = [...this.#cards.values()].find(({ reference }) => reference === decodeURIComponent(last));
      return card ? { body: { id: card.reference, credit_card_number: card.number } } : { status: 404 };
    }
    if (pathname.startsWith('/api/v1/cm/')) {
      const { subscriberReferenceId } = JSON.parse(request.body) as { subscriberReferenceId?: string };
      const [card] = [...this.#cards.values()];
      const groups = card?.number.replace(/\d{4}(?=\d)/g, '$&-');
      return { body: { opId: last, subscriberReferenceId, cardList: [{ cardNumber: card?.number, label: groups }] } };
    }
    return { status: 404 };
  }

  async #serveCustomer(request: SeenRequest, id: string): Promise<StandInReply> {
    if (!(await isAuthorized(request))) return { status: 401 };
    const scripted = this.#upstream.get(id)?.shift();
    if (scripted) return scripted;
    const customer = this.#customers.get(id);
    return customer ? { body: { customer_uuid: id, ...customer } } : { status: 404, body: { error: 'not found' } };
  }

  #serveNetwork({ headers, body, path }: SeenRequest): StandInReply {
    const sent = JSON.parse(body) as {
      readonly registrationTokenList?: readonly string[];
      readonly [name: string]: unknown;
    };
    const isKnown = headers.username === LENDER_SECRETS.user_name && headers.password === LENDER_SECRETS.password;
    if (!isKnown) return { status: 401 };
    const isRight =
      path.endsWith('?opId=REGISTER_VALID_USER') &&
      sent.isEncrypted === true &&
      sent.inLineProvisioning === true &&
      sent.language === 'us-en' &&
      sent.appToken === LENDER_SECRETS.app_token &&
      sent.fiToken === LENDER_SECRETS.fi_token;
    if (!isRight) return { status: 400 };
    return this.#answer(sent.registrationTokenList ?? [], (token) => {
      const number = this.#decrypt(token);
      const card = [...this.#cards.values()].find((one) => one.number === number);
      this.decrypted.push(card !== undefined && isLuhn(number ?? ''));
      return card;
    });
  }

  #decrypt(token: string): string | undefined {
    const key = createPrivateKey(SNS_KEY);
    const bytes = Buffer.from(token, 'base64');
    try {
      if (this.padding !== 'pkcs1-v1.5') {
        const options = { key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: this.padding.slice(5) };
        return privateDecrypt(options, bytes).toString();
      }
      // Node.js removes no padding of PKCS#1 v1.5 (RFC 8017, 7.2.2): 0, 2, at least 8 bytes, 0, the message.
      const padded = privateDecrypt({ key, padding: constants.RSA_NO_PADDING }, bytes);
      const start = padded.indexOf(0, 2);
      return padded[0] === 0 && padded[1] === 2 && start >= 10 ? padded.subarray(start + 1).toString() : undefined;
    } catch {
      return undefined;
    }
  }

  #register({ body }: SeenRequest, find: (token: string) => Card | undefined): StandInReply {
    const { registrationTokenList } = JSON.parse(body) as { readonly registrationTokenList: readonly string[] };
    return this.#answer(registrationTokenList, find);
  }

  #answer(tokens: readonly string[], find: (token: string) => Card | undefined): StandInReply {
    const responseDataList: object[] = [];
    let messageCode = 'REG_121';
    for (const token of tokens) {
      const card = find(token);
      if (!card) return { body: toAnswer([], 'REG_101') };
      const script = card.answers.shift() ?? 'S';
      if (script === 'hang') return { instead: 'hang' };
      if (script === 'nonsense') return { body: { apiVersion: 'v2.0', opId: 'REGISTER_VALID_USER' } };
      if (typeof script === 'string' && script.startsWith('REG_')) messageCode = script;
      const statuses = typeof script === 'string' ? [script.startsWith('REG_') ? 'S' : script] : script;
      const known = this.#subscribers.get(card.number);
      const subscriberReferenceId = known ?? `sub-${randomUUID()}`;
      if (statuses.includes('S')) this.#subscribers.set(card.number, subscriberReferenceId);
      if (known !== undefined && messageCode === 'REG_121') messageCode = 'REG_122';
      const cardStatusMap = Object.fromEntries(statuses.map((status, place) => [`card-${place}`, status]));
      responseDataList.push({ ...(statuses.includes('S') && { subscriberReferenceId }), cardStatusMap });
    }
    return { body: toAnswer(responseDataList, messageCode) };
  }
}

function toAnswer(responseDataList: readonly object[], messageCode: string): object {
  return { apiVersion: 'v2.0', opId: 'REGISTER_VALID_USER', responseDataList, responseStatus: { messageCode } };
}

/** Whether a request carries a token that the shared key signs, in one of the two headers. */
async function isAuthorized({ headers }: SeenRequest): Promise<boolean> {
  const token = String(headers['x-avant-authorization'] ?? headers.authorization ?? '').replace(/^Bearer /, '');
  return jwtVerify(token, Buffer.from(LENDER_SECRETS.shared_key), { algorithms: ['HS256'], clockTolerance: 1e9 }).then(
    ({ payload }) => payload.iss === 'tidings',
    () => false,
  );
}

/** Returns a number of 16 digits with the right check digit, of no real issuer. */
function makeNumber(): string {
  const digits = `9999${String(randomInt(1e9, 1e10 - 1)).padStart(11, '0')}`;
  for (let check = 0; check < 10; check++) if (isLuhn(digits + check)) return digits + check;
  throw new Error('one of ten digits is right');
}

function isLuhn(number: string): boolean {
  const sum = [...number].reverse().reduce((total, digit, place) => {
    const doubled = place % 2 === 1 ? Number(digit) * 2 : Number(digit);
    return total + (doubled > 9 ? doubled - 9 : doubled);
  }, 0);
  return /^\d{12,19}$/.test(number) && sum % 10 === 0;
}
