import type { CheckResult, Provider, ProviderTools } from '../channels/provider.ts';
import { ConfigError, TidingsError } from '../errors.ts';
import type { Channel, SendOutcome, Target } from '../model/delivery.ts';
import type { Millis } from '../model/event.ts';
import type { Principal } from '../model/principal.ts';
import { redact } from '../privacy/mask.ts';
import type { Seal } from '../privacy/seal.ts';
import { loadAccount, type SealedAccount } from '../store/accounts.ts';
import { appendAuditEntry } from '../store/audit-log.ts';
import type { TenantDatabase } from '../store/pg/tenant-database.ts';
import { requireAccount } from './accounts.ts';
import { openAccount } from './open-account.ts';
import { buildTestMessage } from './test-message.ts';

/** Checks and test messages that run in one process at the same time. */
const MAX_TRIALS = 8;
/** Time in ms after which a check or test message is aborted, and after which its end is no longer waited for. */
const MAX_TRIAL_MS: Millis = 20_000;
const MAX_END_MS: Millis = 2000;

/** Answer of a provider to a test message. */
export interface TestResult {
  readonly outcome: SendOutcome['kind'];
  readonly channel: Channel;
  readonly provider: string;
  /** Code of the provider; null: it gave none, or accepted the message. */
  readonly code: string | null;
  /** Why it was not sent; null: it was. */
  readonly reason: string | null;
  readonly provider_message_id: string | null;
  readonly duration_ms: Millis;
}

export interface TestTarget {
  /** Absent: that of an account for one channel only. */
  readonly channel?: Channel | undefined;
  readonly target: Target;
}

export interface TrialsOptions {
  readonly database: TenantDatabase;
  readonly seal: Seal;
  readonly tools: ProviderTools;
}

/** Tries accounts: whether the provider lets us in, and whether a message arrives. */
export class Trials {
  readonly #options: TrialsOptions;
  #running = 0;

  constructor(options: TrialsOptions) {
    this.#options = options;
  }

  /**
   * Asks the provider whether it lets us in; nothing is sent.
   * @returns undefined: the provider offers no way to ask
   * @throws TidingsError `not_found`, `invalid_account`, `rate_limited`
   */
  async check({ tenantId }: Principal, account: string): Promise<CheckResult | undefined> {
    const found = await this.#load(tenantId, account);
    return this.#with(found, async (provider, signal) => {
      if (!provider.check) return undefined;
      const late: CheckResult = { ok: false, reason: 'the provider did not respond in time; see its base URL' };
      const result = await raceEnd(provider.check(signal), signal, late);
      return result.ok ? result : { ...result, reason: redact(result.reason) };
    });
  }

  /**
   * Sends one plain message by an account, whether it is enabled or not. For a test tenant nothing leaves this machine.
   * @param operationId identifies the request: a provider that can recognizes its repetition
   * @throws TidingsError `not_found`, `invalid_account`, `invalid_request`, `rate_limited`
   */
  async send(principal: Principal, account: string, test: TestTarget, operationId: string): Promise<TestResult> {
    const { tenantId, environment } = principal;
    const found = await this.#load(tenantId, account);
    const channel = chooseChannel(found, test.channel);
    const target = toChannelTarget(channel, test.target);
    requireTarget(channel, target);
    const started = performance.now();
    const outcome: SendOutcome =
      environment === 'test'
        ? { kind: 'sandboxed' }
        : await this.#with(found, (provider, signal) =>
            raceEnd(
              provider.send(
                buildTestMessage({ tenantId, channel, target, operationId }),
                signal,
                () => !signal.aborted,
              ),
              signal,
              { kind: 'in_doubt', reason: 'the provider did not respond in time' },
            ),
          );
    const result = toResult(outcome, { channel, provider: found.provider, duration: performance.now() - started });
    const { database, tools } = this.#options;
    const detail = { channel, outcome: result.outcome, ...(result.code === null ? {} : { code: result.code }) };
    await appendAuditEntry(
      database.forTenant(tenantId),
      { tenantId, actor: principal.actor, action: 'account.tested', subject: account, detail },
      tools.clock(),
    );
    return result;
  }

  async #load(tenantId: string, account: string): Promise<SealedAccount> {
    return requireAccount(await loadAccount(this.#options.database.forTenant(tenantId), tenantId, account));
  }

  async #with<T>(account: SealedAccount, work: (provider: Provider, signal: AbortSignal) => Promise<T>): Promise<T> {
    if (this.#running >= MAX_TRIALS) {
      const message = 'Too many accounts are being tried; send the request again a little later.';
      throw new TidingsError('rate_limited', message, { retryAfter: 2 });
    }
    this.#running++;
    let provider: Provider | undefined;
    try {
      provider = await openOrReject(this.#options, account);
      return await work(provider, AbortSignal.timeout(MAX_TRIAL_MS));
    } finally {
      this.#running--;
      // Its connections end when they end: the answer is there.
      provider?.close().catch(() => {});
    }
  }
}

/** Returns the target for a channel: a URL is an endpoint of webhooks, or the incoming webhook of a chat. */
function toChannelTarget(channel: Channel, target: Target): Target {
  return channel === 'chat' && target.kind === 'endpoint' ? { kind: 'chat', url: target.url } : target;
}

/** @throws TidingsError `invalid_account` */
async function openOrReject({ seal, tools }: TrialsOptions, account: SealedAccount): Promise<Provider> {
  try {
    return await openAccount(seal, account, tools);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new TidingsError('invalid_account', `The account cannot be opened: ${error.message}`);
  }
}

/** Returns the result of work, or another one if it has not ended some time after the signal. */
async function raceEnd<T>(work: Promise<T>, signal: AbortSignal, late: T): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const ended = new Promise<T>((resolve) => {
    const wait = () => {
      timer = setTimeout(() => resolve(late), MAX_END_MS);
    };
    if (signal.aborted) wait();
    else signal.addEventListener('abort', wait, { once: true });
  });
  try {
    return await Promise.race([work, ended]);
  } finally {
    clearTimeout(timer);
    work.catch(() => {});
  }
}

function chooseChannel({ channels }: SealedAccount, wanted: Channel | undefined): Channel {
  const [only, ...others] = channels;
  if (wanted === undefined && only !== undefined && others.length === 0) return only;
  if (wanted !== undefined && channels.includes(wanted)) return wanted;
  const given = wanted === undefined ? 'channel is missing' : `The account is not for the channel ${wanted}`;
  throw new TidingsError('invalid_request', `${given}; write one of ${channels.join(', ')}.`, { pointer: '/channel' });
}

/** The kinds of targets of a test message on each channel; `text`: what a caller writes. */
const TARGETS: { readonly [channel in Channel]: { readonly kinds: readonly Target['kind'][]; readonly text: string } } =
  {
    email: { kinds: ['email'], text: '{ "email": "you@example.com" }' },
    sms: { kinds: ['phone'], text: '{ "phone": "+351912345678" }' },
    push: { kinds: ['device', 'browser'], text: '{ "device": { … } } or { "browser": { … } }' },
    in_app: { kinds: ['none'], text: '{}' },
    webhook: { kinds: ['endpoint'], text: '{ "url": "https://…" }' },
    chat: { kinds: ['chat', 'none'], text: '{ "chat": "#channel" }, { "url": "https://…" } or {}' },
    internal: { kinds: ['none'], text: '{}' },
  };

function requireTarget(channel: Channel, target: Target): void {
  const { kinds, text } = TARGETS[channel];
  if (kinds.includes(target.kind)) return;
  throw new TidingsError('invalid_request', `to does not fit the channel ${channel}; write ${text}.`, {
    pointer: '/to',
  });
}

function toResult(
  outcome: SendOutcome,
  { channel, provider, duration }: { channel: Channel; provider: string; duration: Millis },
): TestResult {
  const { code, reason, providerMessageId } = outcome as Partial<{ [name: string]: string }>;
  return {
    outcome: outcome.kind,
    channel,
    provider,
    code: code ?? null,
    reason: reason === undefined ? null : redact(reason),
    provider_message_id: providerMessageId ?? null,
    duration_ms: Math.round(duration),
  };
}
