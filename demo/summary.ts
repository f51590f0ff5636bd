import type { TimeMachine } from './time/machine.ts';
import type { Span, World } from './worlds/world.ts';

/** Numbers of one company, as the API has them: messages by what became of them, and how many there are of each thing to look at. */
export interface Summary {
  readonly [name: string]: number;
}

/** Counters of messages that are in the summary. */
const COUNTERS = [
  'events',
  'decided',
  'held',
  'sent',
  'delivered',
  'opened',
  'clicked',
  'bounced',
  'complained',
  'unsubscribed',
  'goals',
  'undeliverable',
  'dropped',
  'dead',
] as const;

/** Returns the numbers of each company by the id of its tenant. */
export async function summarize(
  machine: TimeMachine,
  worlds: readonly World[],
  span: Span,
): Promise<{ readonly [tenant: string]: Summary }> {
  const summaries = worlds.map(async ({ tenant }) => [tenant, await summarizeTenant(machine, tenant, span)] as const);
  return Object.fromEntries(await Promise.all(summaries));
}

async function summarizeTenant({ call }: TimeMachine, tenant: string, { from, until }: Span): Promise<Summary> {
  const get = async (path: string) => (await call('GET', `/api/v1/${path}`, { tenant })).body;
  const range = `from=${new Date(from).toISOString()}&to=${new Date(until).toISOString()}`;
  const { metrics } = await get(`metrics/summary?${range}`);
  const { groups: dead } = await get('dead-letters?limit=100');
  const { groups: rejected, count: rejectedEvents } = await get('events/rejected/groups');
  const { rules } = await get('waits/rules');
  const { experiments } = await get(`metrics/experiments?${range}`);
  const { accounts } = await get('provider-accounts');
  const { anomalies } = await get('metrics/anomalies');
  const { releases } = await get('releases?limit=100');
  const list = async (path: string, name: string) => (await get(`${path}?limit=200`))[name].length;
  const countReleases = (state: string) =>
    releases.filter((release: { state: string }) => release.state === state).length;
  return {
    ...Object.fromEntries(COUNTERS.map((name) => [name, metrics[name]])),
    dead_letter_groups: dead.length,
    rejected_events: rejectedEvents,
    rejected_groups: rejected.length,
    waits: rules.reduce((sum: number, { waits }: { waits: number }) => sum + waits, 0),
    accounts: accounts.length,
    experiments: experiments.length,
    anomalies: anomalies.length,
    suppressions: await list('suppressions', 'suppressions'),
    batches: await list('batches', 'batches'),
    jobs: await list('jobs', 'jobs'),
    members: await list('members', 'members'),
    keys: await list('keys', 'keys'),
    webhooks: await list('webhooks', 'webhooks'),
    releases_under_way: countReleases('watching'),
    releases_rolled_back: countReleases('rolled_back'),
  };
}
