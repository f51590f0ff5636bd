import { statfs } from 'node:fs/promises';
import type { WorkLoop } from '../../health/process-checks.ts';
import { VERSION } from '../../lib/package-version.ts';
import type { Millis } from '../../model/event.ts';
import type { SourceState } from '../../model/source.ts';
import type { Replica } from '../../store/pg/replica.ts';
import type { Metrics } from './registry.ts';

export interface ProcessFacts {
  /** Returns how far the clock of the machine is ahead of that of the database, in ms. */
  readonly getClockOffset: () => Millis;
  /** Folder of the embedded PostgreSQL; null: the database is elsewhere. */
  readonly dataDir: string | null;
  readonly loops: readonly WorkLoop[];
  /** Returns how the process reads Kafka topics; absent or null: it does not. */
  readonly getSourceState?: (() => SourceState) | null | undefined;
  /** The replica that answers some of its reads; null: there is no replica. */
  readonly replica: Replica | null;
}

/** Has the state of this process read before each scrape. */
export function readProcess(
  metrics: Metrics,
  { getClockOffset, dataDir, loops, getSourceState, replica }: ProcessFacts,
): void {
  metrics.set('build', 1, { version: VERSION, node: process.versions.node });
  metrics.beforeScrape(async () => {
    metrics.set('clockOffset', getClockOffset() / 1000);
    for (const loop of loops)
      metrics.set('loopIdle', loop.pausedSince?.() ? 0 : loop.idleTime() / 1000, { loop: loop.name });
    if (getSourceState) metrics.set('sourcesStopped', getSourceState().problem === null ? 0 : 1);
    if (replica) {
      const { lag, cause } = replica.state;
      if (lag !== null) metrics.set('replicaLag', lag / 1000);
      metrics.set('replicaRead', cause === null ? 1 : 0);
    }
    if (dataDir === null) return;
    const { bsize, blocks, bavail } = await statfs(dataDir);
    metrics.set('diskFree', bsize * bavail);
    metrics.set('diskSize', bsize * blocks);
  });
  if (replica === null) {
    metrics.clear('replicaLag');
    metrics.clear('replicaRead');
  }
  // Elsewhere the disk is not known, and 0 would be false.
  if (dataDir !== null) return;
  metrics.clear('diskFree');
  metrics.clear('diskSize');
}
