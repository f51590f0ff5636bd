import { afterAll, beforeAll, expect, test } from 'vitest';
import { recordStatements } from './support/recorded-statements.ts';
import { call, listOperations } from './support/tenant-operations.ts';
import { OTHER, type TwoTenants, twoTenants } from './support/two-tenants.ts';

/** Row-level security costs a statement one look at its setting, and takes no index from it. */

interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Parent Relationship'?: string;
  readonly 'Subplan Name'?: string;
  readonly 'Relation Name'?: string;
  readonly 'Index Name'?: string;
  readonly 'Index Cond'?: string;
  readonly 'Recheck Cond'?: string;
  readonly Filter?: string;
  readonly Plans?: readonly PlanNode[];
}

let both: TwoTenants;
/** Plan of each statement that the API sends, by its text. */
const plans = new Map<string, PlanNode>();
/** The same for the owner, which row-level security does not bind. */
const ownerPlans = new Map<string, PlanNode>();

beforeAll(async () => {
  both = await twoTenants();
  const { requests } = both.tidings.database.tenants;
  const recorded = await recordStatements(both, [OTHER]);
  try {
    for (const operation of await listOperations(both.server, both.own)) await call(both, operation);
  } finally {
    await recorded.stop();
  }
  for (const { text } of recorded.sent) {
    if (!/^\s*(select|with|insert|update|delete)\b/i.test(text) || /^\s*select pg_/.test(text)) continue;
    const { rows } = await requests.query(`explain (generic_plan, format json) ${text}`);
    plans.set(text, rows[0]['QUERY PLAN'][0].Plan);
    const owner = await both.tidings.pool.query(`explain (generic_plan, format json) ${text}`);
    ownerPlans.set(text, owner.rows[0]['QUERY PLAN'][0].Plan);
  }
}, 300_000);
afterAll(() => both.close());

test('the setting is read once for a statement, never for a row', () => {
  let readers = 0;
  for (const [text, plan] of plans) {
    for (const node of nodes(plan)) {
      const { 'Index Cond': index, 'Recheck Cond': recheck, Filter: filter } = node;
      for (const condition of [index, recheck, filter]) expect(condition ?? '', text).not.toContain('current_setting');
      if (node['Parent Relationship'] === 'InitPlan' && node['Node Type'] === 'Result') readers++;
    }
  }
  expect(plans.size).toBeGreaterThan(40);
  expect(readers).toBeGreaterThanOrEqual(plans.size * 0.8);
});

test('every look-up uses the index that it uses for the owner, with as many conditions', () => {
  for (const [text, plan] of plans) {
    // Reads the front of the queues of all tenants, of which row-level security leaves those of one.
    if (text.includes("'deliveries' as queue")) continue;
    // Contents of catalogs are read through the versions of the tenant.
    if (/catalog_(contents|files)/.test(text)) continue;
    expect(scansOf(plan), text).toEqual(scansOf(ownerPlans.get(text) as PlanNode));
  }
});

/** Describes how each table is read, without the conditions on the setting. */
function scansOf(plan: PlanNode): string[] {
  const scans = [...nodes(plan)].filter((node) => node['Relation Name'] ?? node['Index Name']);
  return scans
    .map(({ 'Node Type': type, 'Index Name': index = '', 'Relation Name': table = '', ...node }) => {
      const conditions = (node['Index Cond'] ?? '').split(' AND ').filter((one) => one && !one.includes('InitPlan'));
      return `${type} ${table} ${index} ${conditions.length}`;
    })
    .sort();
}

function* nodes(plan: PlanNode): Iterable<PlanNode> {
  yield plan;
  for (const part of plan.Plans ?? []) yield* nodes(part);
}
