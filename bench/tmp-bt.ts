import { makeEvents } from './events.ts';
import { parseCatalog } from '../src/catalog/parse.ts';
import { readCatalog } from '../src/catalog/read.ts';
import { isRejection, readEvent } from '../src/events/envelope.ts';
import { compileRules } from '../src/rules/rule-set.ts';
import { Backtest } from '../src/simulate/backtest.ts';
import type { Life, PastEvent } from '../src/simulate/life.ts';
const data = await parseCatalog(await readCatalog(new URL('../examples/fintech', import.meta.url).pathname));
const set = compileRules(1, data);
const N = Number(process.argv[2] ?? 100000), P = Number(process.argv[3] ?? N / 5);
const posted = makeEvents({ count: N, people: P, firstPerson: 0, now: Date.now() });
const by = new Map<string, PastEvent[]>();
let at = Date.now() - 1e7;
posted.forEach((p, i) => {
  const e = readEvent('default', p, () => null);
  if (isRejection(e)) throw new Error();
  const { tenantId, userId, eventId, key, type, time, properties, traits } = e;
  const ev: PastEvent = { tenantId, userId, eventId, key, type, time, properties, traits, receivedAt: at + Math.floor(i / 100), catalogVersion: 1, emittedBy: null, hasActed: false, decisions: () => [] };
  const l = by.get(ev.userId); if (l) l.push(ev); else by.set(ev.userId, [ev]);
});
const lives: Life[] = [...by].map(([userId, events]) => ({ userId, profile: { traits: {}, traitTimes: {} }, events: events.sort((a, b) => a.time - b.time), waits: [], uses: [] }));
for (let r = 0; r < Number(process.argv[4] ?? 6); r++) {
  const b = new Backtest({ since: at - 1, until: Date.now() + 1e9, candidate: { ...set, version: 2 }, version: () => set });
  const t = performance.now();
  for (const l of lives) b.take(l);
  const s = (performance.now() - t) / 1000;
  console.log(Math.round(N / s), 'events/s', JSON.stringify(b.report().totals));
}
