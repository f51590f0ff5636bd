import { setTimeout as pause } from 'node:timers/promises';
import type pg from 'pg';
import type { Logger } from 'pino';
import type { CatalogCache } from '../catalog/cache.ts';
import type { FetchFiles } from '../channels/email/fetch-files.ts';
import type { Provider } from '../channels/provider.ts';
import { suspendClock } from '../lib/suspend-clock.ts';
import type { Channel } from '../model/delivery.ts';
import type { Millis } from '../model/event.ts';
import type { ChannelLimits } from '../model/rate-limit.ts';
import type { Seal } from '../privacy/seal.ts';
import type { ClaimedDelivery } from '../store/deliveries/claimed-delivery.ts';
import { Capacity } from './capacity.ts';
import { CircuitSharing } from './circuit-sharing.ts';
import { Circuits } from './circuits.ts';
import { Deadlines } from './deadlines.ts';
import { EmailPauses } from './email-pauses.ts';
import { Executor } from './executor.ts';
import { Heartbeat } from './heartbeat.ts';
import { LaneGate } from './lane-gate.ts';
import { LateDeliveries } from './late-deliveries.ts';
import { LeaseClock } from './lease-clock.ts';
import { LimitedChannels } from './limited-channels.ts';
import type { MessageLinks } from './message-links.ts';
import { MessageRenderer, type MessageRendererOptions } from './message-renderer.ts';
import { MessageSender } from './message-sender.ts';
import type { OpenCircuit } from './open-circuit.ts';
import { PlanRecheck } from './plan-recheck.ts';
import { Producer } from './producer.ts';
import { Rescuer } from './rescuer.ts';
import { Returner } from './returner.ts';
import { RouteCache } from './routes/catalog-routes.ts';
import { AccountChooser } from './routes/choose-account.ts';
import { toMessageFacts } from './routes/message-facts.ts';
import { RouteMoves } from './routes/route-moves.ts';
import { SendLimits } from './send-limits.ts';
import { SendTokens } from './send-tokens.ts';
import { Settler } from './settler.ts';
import { TargetFinder } from './target-finder.ts';
import type { TargetSources } from './targets.ts';
import { NO_TENANT_ACCOUNTS, sendsOut, type TenantAccounts } from './tenant-accounts.ts';

export interface DeliveryWorkerOptions {
  /** Names the worker and its leases. Unique among all processes, earlier ones included. */
  readonly name: string;
  readonly pool: pg.Pool;
  readonly databaseUrl: string;
  readonly catalogs: CatalogCache;
  readonly seal: Seal;
  /** The provider of each channel; other channels are not claimed. */
  readonly providers: ReadonlyMap<Channel, Provider>;
  readonly clock: () => Millis;
  /** Whether this process may claim now: not while its clock is wrong. Default: always. */
  readonly mayAct?: () => boolean;
  /** Random numbers from 0 (inclusive) to 1 (exclusive), for the backoff and the order of the priorities. */
  readonly random: () => number;
  readonly log: Logger;
  /** Lease duration in ms: how long a claimed delivery stays reserved after the last heartbeat. Default 30 s. */
  readonly lease?: Millis;
  /** Longest pause between two looks at the queue in ms, for when a NOTIFY was missed. Default 1 s. */
  readonly poll?: Millis;
  /** Limit of one send in ms. Default 60 s. */
  readonly sendDeadline?: Millis;
  /** The accounts of tenants. Default: no tenant has any. */
  readonly accounts?: TenantAccounts;
  /** Sources of devices and endpoints, by channel. Default: no channel has one. */
  readonly targets?: TargetSources;
  /** Fetches the files of messages. Default: a message with files is not sent. */
  readonly fetchFiles?: FetchFiles;
  /** URLs that go out with messages. Default: none, and no provider reports what became of a message. */
  readonly links?: MessageLinks;
  /** Whether a marketing email for which there is no link to unsubscribe is not sent, if it would leave this machine. Default false. */
  readonly needsUnsubscribeLink?: boolean;
  /** Returns versions of templates of the API for tests. Default: a test of one is not sent. */
  readonly loadTestTemplate?: MessageRendererOptions['loadTestTemplate'];
  /** Returns name and settings of a tenant. Default: an empty name and no settings. */
  readonly getTenant?: MessageRendererOptions['getTenant'];
  /** Rate limits of the channels of the installation. Default: none. */
  readonly limits?: ChannelLimits;
  /**
   * Part of the pauses between two looks at one queue that is kept, from 0 to 1. They bound what looks cost while much is due; less is for a
   * clock that stands still until all is done. Default 1.
   */
  readonly lookPauseFactor?: number;
  /** A monotonic clock in ms, for the pauses of the circuit breakers. Default: that of the process. */
  readonly elapsed?: () => Millis;
}

const NO_FILES = { kind: 'rejected', reason: 'this process fetches no attachments' } as const;
const MAX_LAST_SETTLEMENTS_MS = 1000;
const DRAIN_POLL_MS = 50;
/** Longest interval in ms at which paused emails are read. */
const MAX_PAUSES_POLL_MS = 5000;

/**
 * Delivers what is due, by services in a row:
 *
 *   producer (claims) ─▶ executor (sends) ─▶ settler (records)
 *
 * Beside them the heartbeat renews this worker's leases, and the rescuer queues again what was left behind.
 */
export class DeliveryWorker {
  readonly #circuits: Circuits;
  readonly #sharing: CircuitSharing;
  readonly #limitedChannels: LimitedChannels;
  readonly #capacity: Capacity;
  readonly #returner: Returner;
  readonly #deadlines: Deadlines;
  readonly #producer: Producer;
  readonly #executor: Executor;
  readonly #sender: MessageSender;
  readonly #settler: Settler;
  readonly #rescuer: Rescuer;
  readonly #heartbeat: Heartbeat;
  readonly #pauses: EmailPauses;
  readonly #pollPauses: Millis;
  #stopping = false;

  constructor({
    lease = 30_000,
    poll = 1000,
    lookPauseFactor = 1,
    sendDeadline = 60_000,
    elapsed = () => performance.now(),
    mayAct = () => true,
    accounts = NO_TENANT_ACCOUNTS,
    targets: sources = new Map(),
    fetchFiles = async () => NO_FILES,
    limits: installation = {},
    getTenant = () => ({ name: '', settings: {} }),
    ...options
  }: DeliveryWorkerOptions) {
    const { name, pool, databaseUrl, catalogs, seal, providers, clock, random, log, links, loadTestTemplate } = options;
    const { needsUnsubscribeLink = false } = options;
    const circuits = new Circuits({ providers, clock, elapsed, log, sendLimit: sendDeadline });
    this.#circuits = circuits;
    this.#sharing = new CircuitSharing({ pool, databaseUrl, name, log, receiver: circuits });
    circuits.shareBy(this.#sharing);
    const limits = new SendLimits({ providers, installation, getTenant });
    this.#limitedChannels = new LimitedChannels(pool, installation, log);
    const capacity = new Capacity(providers, circuits);
    this.#capacity = capacity;
    const channels = this.#limitedChannels;
    const gate = new LaneGate({ providers, accounts, catalogs, circuits, capacity, limits, channels });
    this.#pauses = new EmailPauses(pool, log);
    this.#pollPauses = Math.min(poll * 5, MAX_PAUSES_POLL_MS);
    const leases = new LeaseClock(lease, suspendClock());
    const returner = new Returner({ pool, clock, capacity, log, onReturned: () => this.#producer.rescan() });
    this.#returner = returner;
    this.#deadlines = new Deadlines(sendDeadline);
    this.#producer = new Producer({
      name,
      pool,
      databaseUrl,
      channels: [...providers.keys()],
      capacity,
      gate,
      late: new LateDeliveries({ pool, channels: [...providers.keys()], gate, clock, lease, lookPauseFactor }),
      leases,
      clock,
      mayAct,
      log,
      lease,
      poll,
      random,
      lookPauseFactor,
      onClaimed: (delivery) => this.#executor.submit(delivery),
    });
    const routes = new RouteCache(catalogs);
    const moves = new RouteMoves({ pool, clock, elapsed, log });
    const targets = new TargetFinder({ pool, seal, sources });
    const getFacts = (delivery: ClaimedDelivery) => toMessageFacts(delivery, targets, catalogs);
    const chooser = new AccountChooser({ pool, routes, providers, accounts, circuits, moves, getTenant, getFacts });
    const tokens = new SendTokens(pool, log);
    this.#sender = new MessageSender({
      pool,
      circuits,
      limits,
      tokens,
      leases,
      deadlines: this.#deadlines,
      routes,
      links,
      clock,
      random,
      log,
    });
    this.#executor = new Executor({
      chooser,
      capacity,
      circuits,
      leases,
      deadlines: this.#deadlines,
      targets,
      renderer: new MessageRenderer({ pool, catalogs, seal, getTenant, links, needsUnsubscribeLink, loadTestTemplate }),
      fetchFiles,
      sender: this.#sender,
      pauses: this.#pauses,
      tokens,
      clock,
      random,
      log,
      onCompleted: (delivery, result, startedAt) => this.#settler.settle(delivery, result, startedAt),
      recheck: new PlanRecheck({ pool, catalogs, routes, clock }),
      onUnstarted: (...unstarted) => returner.add(...unstarted),
    });
    this.#settler = new Settler({
      name,
      pool,
      catalogs,
      sendsOut: (tenantId, channel) => sendsOut({ providers, accounts }, tenantId, channel),
      seal,
      capacity,
      clock,
      random,
      log,
      getsReceipts: links?.isPublic === true,
      onSettled: (settlements) => {
        if (settlements.some(({ status }) => status === 'queued')) this.#producer.wake();
        else this.#producer.wakeIfLimited();
      },
      onUnrecordable: ({ lease }) => this.#producer.abandonLease(lease),
    });
    this.#rescuer = new Rescuer({
      pool,
      capacity,
      leases,
      returner,
      clock,
      log,
      lease,
      onRescued: () => this.#producer.rescan(),
    });
    this.#heartbeat = new Heartbeat({ databaseUrl, capacity, leases, log, lease });
  }

  async start(): Promise<void> {
    await this.#sharing.start();
    await this.#limitedChannels.start();
    this.#heartbeat.start();
    await this.#pauses.start(this.#pollPauses);
    await this.#rescuer.start();
    await this.#producer.start();
  }

  /**
   * Stops claiming, lets the sends under way end, and returns deliveries that have not been started to the queue.
   * @param grace time in ms after which sends are aborted; an aborted send has a further second to be recorded, after which
   *   its lease expires and its delivery is rescued
   */
  async stop(grace: Millis = 5000): Promise<void> {
    if (this.#stopping) return;
    this.#stopping = true;
    await this.#producer.stop();
    for (const delivery of this.#capacity.cancelUnstarted()) this.#returner.add(delivery);
    await this.#returner.flush();
    let isAborted = false;
    const abort = setTimeout(() => {
      isAborted = true;
      this.#settler.stop();
      this.#sender.stop();
      this.#deadlines.stop();
    }, grace);
    while (this.busy > 0 && !isAborted) await pause(DRAIN_POLL_MS);
    for (let waited = 0; this.busy > 0 && waited < MAX_LAST_SETTLEMENTS_MS; waited += DRAIN_POLL_MS) {
      await pause(DRAIN_POLL_MS);
    }
    clearTimeout(abort);
    this.#rescuer.stop();
    this.#pauses.stop();
    await this.#limitedChannels.stop();
    await this.#sharing.stop();
    await this.#heartbeat.stop();
  }

  /** Looks for due deliveries now. */
  wake(): void {
    this.#producer.wake();
  }

  /** Number of deliveries held now, for health reports. */
  get busy(): number {
    return this.#capacity.heldCount;
  }

  /** Time (ms) since the loops that claim made progress, for health reports. */
  get idleTime(): Millis {
    return this.#producer.idleTime;
  }

  /** Returns the names of the providers whose circuit is not closed, for health reports. */
  unhealthyProviders(): string[] {
    return this.#circuits.unhealthyProviders();
  }

  /** Returns the circuits that are not closed, for health reports. @param tenantId as for `Circuits.listOpen` */
  openCircuits(tenantId?: string | null): OpenCircuit[] {
    return this.#circuits.listOpen(tenantId);
  }
}
