import { loadProvider } from '../channels/registry.ts';
import { boundState, countTokens } from '../lib/concurrency/gcra.ts';
import { CHANNELS, type Channel } from '../model/delivery.ts';
import type { Millis } from '../model/event.ts';
import { isTestTenant } from '../model/principal.ts';
import { toProviderLimit, toWindows } from '../model/rate-limit.ts';
import { type Account, listAccounts, MAX_ACCOUNTS } from '../store/accounts.ts';
import {
  type CircuitOpening,
  listCircuitOpenings,
  listInstallationOpenings,
  type Opening,
} from '../store/deliveries/circuit-openings.ts';
import { listCircuits, type StoredCircuit } from '../store/deliveries/circuits.ts';
import { loadLimitStates } from '../store/deliveries/rate-limits.ts';
import type { Connection } from '../store/pg/pool.ts';
import { describeCircuit, type OpenCircuit } from './open-circuit.ts';
import { toAccountId } from './send-limits.ts';
import { TEST_PROVIDER } from './tenant-accounts.ts';

/** Circuits that are read, those of accounts first: of each account of the tenant, and of those of the installation. */
const MAX_CIRCUITS = MAX_ACCOUNTS + 100;

/** Use of one period of the rate limit of an account. */
export interface LimitUse {
  /** As in settings: `per_second`. */
  readonly period: string;
  readonly allowed: number;
  /** Messages that may follow at once when none was sent for long. */
  readonly burst: number;
  /** Messages that may follow at once now, with those that are kept for urgent ones. */
  readonly free: number;
}

/** An account of a tenant, and whether messages go by it at present. */
export interface AccountState {
  readonly account: string;
  readonly provider: string;
  readonly channels: readonly Channel[];
  readonly enabled: boolean;
  /** The account that its messages go by; null: they go by itself. */
  readonly failoverTo: string | null;
  readonly place: number;
  /** Null: it is closed, and messages go by the account. */
  readonly circuit: OpenCircuit | null;
  /** When its circuit was open, newest first; the latest ones. */
  readonly openings: readonly CircuitOpening[];
  /** Empty: it has no limit. */
  readonly limits: readonly LimitUse[];
}

/** An account of the installation whose circuit is or was open. */
export interface InstallationState {
  readonly provider: string;
  /** The first channel that it sends by. */
  readonly channel: Channel;
  /** Null: it is closed. */
  readonly circuit: OpenCircuit | null;
  /** As of `AccountState`. */
  readonly openings: readonly Opening[];
}

/**
 * Time in ms after which a circuit whose probe is due, and is not made, says nothing of messages that wait: its provider is not used.
 */
const UNPROBED_MS: Millis = 60_000;

/** Circuits of accounts that are not closed, from the database: those of every process. */
export interface AccountCircuits {
  /** Returns that of an account of the tenant; null: it is closed. */
  readonly find: (account: string) => OpenCircuit | null;
  /** Returns that of the installation's account for a channel. */
  readonly findInstallation: (channel: Channel) => OpenCircuit | null;
}

/** The name of the provider of the installation of each channel. */
export type InstallationProviders = ReadonlyMap<Channel, string>;

/** Returns the names of the providers of the installation. */
export function nameProviders(providers: ReadonlyMap<Channel, { readonly name: string }>): InstallationProviders {
  return new Map([...providers].map(([channel, { name }]) => [channel, name]));
}

/** Returns the providers of the installation by which the messages of a tenant go: of a test tenant the sandbox, for every channel. */
export function getProvidersOf(tenantId: string, installation: InstallationProviders): InstallationProviders {
  return isTestTenant(tenantId) ? new Map(CHANNELS.map((channel) => [channel, TEST_PROVIDER.name])) : installation;
}

/**
 * Reads the circuits of the accounts of a tenant and of the installation that are not closed.
 * @param installation as this process has it. Workers may have other providers: then the circuit whose first channel it is counts
 */
export async function loadAccountCircuits(
  connection: Connection,
  tenantId: string,
  now: Millis,
  installation: InstallationProviders,
): Promise<AccountCircuits> {
  const stored = await listStored(connection, tenantId);
  const shared = stored.filter((one) => one.tenantId === null);
  const describe = (circuit: StoredCircuit | undefined) => (circuit ? describeCircuit(circuit, now) : null);
  return {
    find: (account) => describe(findOwn(stored, account)),
    findInstallation: (channel) =>
      describe(
        shared.find(({ provider }) => provider === installation.get(channel)) ??
          shared.find(({ id, remaining }) => id.endsWith(`@${channel}`) && remaining > -UNPROBED_MS),
      ),
  };
}

async function listStored(connection: Connection, tenantId: string): Promise<StoredCircuit[]> {
  const stored = await listCircuits(connection, { tenantId, limit: MAX_CIRCUITS });
  return stored.filter(({ domain }) => domain === null);
}

function findOwn(stored: readonly StoredCircuit[], account: string): StoredCircuit | undefined {
  return stored.find((one) => one.tenantId !== null && one.account === account);
}

/** Returns the accounts of a tenant in order of choice, at most MAX_ACCOUNTS, with their circuits and the use of their limits. */
export async function loadAccountStates(
  connection: Connection,
  tenantId: string,
  now: Millis,
): Promise<AccountState[]> {
  const accounts = await listAccounts(connection, tenantId);
  const circuits = await listStored(connection, tenantId);
  const openings = await listCircuitOpenings(
    connection,
    tenantId,
    accounts.map(({ account }) => account),
  );
  const windows = await Promise.all(accounts.map(findWindows));
  const states = await loadLimitStates(
    connection,
    windows.flat().map(({ window }) => window.id),
  );
  return accounts.map(({ account, provider, channels, enabled, failoverTo, place }, index) => {
    const circuit = findOwn(circuits, account);
    return {
      account,
      provider,
      channels,
      enabled,
      failoverTo,
      place,
      circuit: circuit ? describeCircuit(circuit, now) : null,
      openings: openings.filter((one) => one.account === account),
      limits: (windows[index] ?? []).map(({ period, allowed, window }) => {
        const { takenUntil, now: at } = states.get(window.id) ?? { takenUntil: 0, now };
        const free = countTokens(window, boundState(window, takenUntil, at), at, true);
        return { period, allowed, burst: window.capacity, free: Math.min(window.capacity, free) };
      }),
    };
  });
}

/**
 * Returns the accounts of the installation whose circuit is or was open, as any tenant may see them; those of the latest openings first.
 * A test tenant goes by none of them.
 */
export async function loadInstallationStates(
  connection: Connection,
  tenantId: string,
  now: Millis,
): Promise<InstallationState[]> {
  if (isTestTenant(tenantId)) return [];
  const openings = await listInstallationOpenings(connection);
  const open = (await listCircuits(connection, { tenantId, limit: MAX_CIRCUITS })).filter(
    (one) => one.tenantId === null && one.domain === null,
  );
  const ids = new Set([...openings.keys(), ...open.map(({ id }) => id)]);
  return [...ids].flatMap((id) => {
    const [, provider = '', name] = /^\/([^@]+)@(.+)$/.exec(id) ?? [];
    const channel = CHANNELS.find((one) => one === name);
    const circuit = open.find((one) => one.id === id);
    const history = openings.get(id) ?? [];
    return channel === undefined
      ? []
      : [{ provider, channel, circuit: circuit ? describeCircuit(circuit, now) : null, openings: history }];
  });
}

async function findWindows({ tenantId, account, provider, limits }: Account) {
  const perSecond = limits === null ? (await loadProvider(provider))?.defaults.perSecond : undefined;
  const limit = limits ?? (perSecond === undefined ? undefined : toProviderLimit(perSecond));
  if (!limit) return [];
  return toWindows(toAccountId(tenantId, account), limit).map((window) => {
    const period = window.id.slice(window.id.lastIndexOf(' ') + 1);
    return { period, allowed: limit[period as keyof typeof limit] as number, window };
  });
}
