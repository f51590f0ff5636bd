import type { CompiledRoute, Routes } from '../../catalog/compile/compile-routes.ts';
import { CHANNELS, type Channel } from '../../model/delivery.ts';
import { PUSH_SERVICES, type PushService } from '../../model/device.ts';
import type { Millis } from '../../model/event.ts';
import { isTestTenant } from '../../model/principal.ts';
import { INSTALLATION_ACCOUNT, type RouteEntry } from '../../model/route.ts';
import { type Account, listAccounts } from '../../store/accounts.ts';
import type { Connection } from '../../store/pg/pool.ts';
import { listLastMoves, type RouteMove } from '../../store/route-moves.ts';
import { type AccountCircuits, type InstallationProviders, loadAccountCircuits } from '../account-states.ts';
import type { OpenCircuit } from '../open-circuit.ts';
import { TEST_PROVIDER } from '../tenant-accounts.ts';
import { toPresentShares } from './present-shares.ts';

/** Why an account of a route has no messages at all: it does not exist, is disabled, or is for other channels. */
export type MissingCode = 'unknown_account' | 'account_disabled' | 'other_channels' | 'no_own_account';

/** An account of a route as it is at present. */
export interface RouteEntryState extends RouteEntry {
  /** Null: that of the installation of a live tenant, or an account that does not exist. */
  readonly provider: string | null;
  /** Null: messages may go by it. */
  readonly missing: MissingCode | null;
  readonly circuit: OpenCircuit | null;
  /** The account that its messages go by, of which the circuit is; null: they go by itself. */
  readonly failover_to: string | null;
  /** Percent of the messages that go by it at present; null: its condition decides. */
  readonly share: number | null;
  /** Percent of the messages that wait for it; null as before. */
  readonly waiting: number | null;
  /** Its latest move; null: messages were never moved away from it. */
  readonly move: RouteMove | null;
}

/** The accounts by which the messages of a channel go. */
export interface RouteState {
  readonly channel: Channel;
  /** Whether the catalog has a route, or the places of the accounts decide. */
  readonly origin: 'catalog' | 'accounts';
  readonly entries: readonly RouteEntryState[];
}

/** A tenant, and what is known of how its messages go. */
interface RoutedTenant {
  readonly tenantId: string;
  readonly routes: Routes;
  /** As of `loadAccountCircuits`. */
  readonly installation: InstallationProviders;
  readonly now: Millis;
}

/**
 * Returns the routes of a tenant: of each channel with a route in the active catalog or an account that is used, in their order; of a
 * test tenant the sandbox for every channel.
 */
export async function loadRouteStates(connection: Connection, of: RoutedTenant): Promise<RouteState[]> {
  const { tenantId, routes } = of;
  if (isTestTenant(tenantId)) return CHANNELS.map((channel) => ({ channel, origin: 'accounts', entries: [SANDBOX] }));
  const known = await loadRouted(connection, of);
  const moves = await listLastMoves(connection, tenantId);
  return CHANNELS.flatMap((channel) => {
    const own = findUsed(known.accounts, channel);
    const route = routes.get(channel);
    if (!route && own.length === 0) return [];
    const ofChannel = moves.filter((move) => move.channel === channel);
    const states = toEntries(route, own).map((entry) =>
      describeEntry(entry, { ...known, channel, own, moves: ofChannel }),
    );
    return [{ channel, origin: route ? ('catalog' as const) : ('accounts' as const), entries: withShares(states) }];
  });
}

/** By what every message of a test tenant goes, whatever its routes and accounts are. */
const SANDBOX: RouteEntryState = {
  account: INSTALLATION_ACCOUNT,
  tier: 1,
  weight: 1,
  provider: TEST_PROVIDER.name,
  missing: null,
  circuit: null,
  failover_to: null,
  share: 100,
  waiting: 0,
  move: null,
};

/**
 * Finds the circuits for which every message of a channel waits, each once, that of the next probe first; empty: some may go by an
 * account.
 * @param service of the device that a push message is for; null: that is not known, or it is for no device
 */
export type FindOutages = (channel: Channel, service: PushService | null) => readonly OpenCircuit[];

/** Reads what holds up the channels of a tenant, once for all of them. */
export async function loadOutages(connection: Connection, of: RoutedTenant): Promise<FindOutages> {
  if (isTestTenant(of.tenantId)) return () => [];
  const known = await loadRouted(connection, of);
  return (channel, service) => {
    const own = findUsed(known.accounts, channel);
    const route = of.routes.get(channel);
    const entries =
      !route && own.length === 0 ? [{ account: INSTALLATION_ACCOUNT, tier: 1, weight: 1 }] : toEntries(route, own);
    const usable = entries
      .map((entry) => describeEntry(entry, { ...known, channel, own, moves: [] }))
      .filter(({ missing }) => missing === null);
    const able = usable.filter(({ provider }) => takesTokens(provider ?? of.installation.get(channel), service));
    const circuits = (able.length > 0 ? able : usable).map(({ circuit }) => circuit);
    const open = circuits.filter((circuit) => circuit !== null);
    if (open.length < circuits.length) return [];
    const byAccount = new Map(open.map((circuit) => [circuit.account, circuit]));
    return [...byAccount.values()].sort((a, b) => Date.parse(a.next_probe_at) - Date.parse(b.next_probe_at));
  };
}

/** Whether a provider takes the tokens of a push service: those that are called like one take the tokens of that one alone. */
function takesTokens(provider: string | undefined, service: PushService | null): boolean {
  return service === null || provider === service || !PUSH_SERVICES.some((one) => one === provider);
}

interface Routed {
  readonly accounts: readonly Account[];
  readonly circuits: AccountCircuits;
}

async function loadRouted(connection: Connection, { tenantId, now, installation }: RoutedTenant): Promise<Routed> {
  const accounts = await listAccounts(connection, tenantId);
  return { accounts, circuits: await loadAccountCircuits(connection, tenantId, now, installation) };
}

/** Returns the accounts that are used for a channel. */
function findUsed(accounts: readonly Account[], channel: Channel): Account[] {
  return accounts.filter((one) => one.enabled && one.channels.includes(channel));
}

/** Returns what is tried, as the chooser does: without a route the accounts by place, and without an account the installation. */
function toEntries(route: CompiledRoute | undefined, own: readonly Account[]): RouteEntry[] {
  if (!route) return own.map(({ account }, index) => ({ account, tier: index + 1, weight: 1 }));
  const entries = route.entries.map(({ account, tier, weight, when }) => ({
    account,
    tier,
    weight,
    ...(when === undefined ? {} : { when }),
  }));
  const isNamed = entries.some(({ account, when }) => account === INSTALLATION_ACCOUNT && when === undefined);
  return own.length > 0 || isNamed ? entries : [...entries, { account: INSTALLATION_ACCOUNT, tier: 1, weight: 1 }];
}

interface EntryContext extends Routed {
  readonly channel: Channel;
  readonly own: readonly Account[];
  readonly moves: readonly RouteMove[];
}

type Described = Omit<RouteEntryState, 'share' | 'waiting'>;

function describeEntry(entry: RouteEntry, context: EntryContext): Described {
  const { channel, accounts, circuits, moves } = context;
  const known = accounts.find(({ account }) => account === entry.account);
  const isInstallation = entry.account === INSTALLATION_ACCOUNT;
  const failoverTo = known?.failoverTo ?? null;
  return {
    ...entry,
    provider: known?.provider ?? null,
    missing: findMissing(entry, known, context),
    circuit: isInstallation ? circuits.findInstallation(channel) : circuits.find(failoverTo ?? entry.account),
    failover_to: failoverTo,
    move: moves.find(({ account }) => account === entry.account) ?? null,
  };
}

function findMissing(
  { account, when }: RouteEntry,
  known: Account | undefined,
  { channel, own }: EntryContext,
): MissingCode | null {
  if (account === INSTALLATION_ACCOUNT) return own.length === 0 && when !== undefined ? 'no_own_account' : null;
  if (!known) return 'unknown_account';
  if (!known.enabled) return 'account_disabled';
  return known.channels.includes(channel) ? null : 'other_channels';
}

function withShares(entries: readonly Described[]): RouteEntryState[] {
  const counted = entries.filter(({ when, missing }) => when === undefined && missing === null);
  const shares = toPresentShares(
    counted.map(({ tier, weight, move, circuit }) => ({
      tier,
      weight,
      keeps: move?.share ?? 100,
      isOpen: circuit !== null,
    })),
  );
  return entries.map((entry) => {
    if (entry.missing !== null) return { ...entry, share: 0, waiting: 0 };
    const share = shares[counted.indexOf(entry)];
    return { ...entry, share: share?.sent ?? null, waiting: share?.waiting ?? null };
  });
}
