import type pg from 'pg';
import type { OpenCircuit } from '../delivery/open-circuit.ts';
import type { Millis } from '../model/event.ts';
import type { Replica } from '../store/pg/replica.ts';
import type { TenantDatabase } from '../store/pg/tenant-database.ts';
import { checkCatalog, type DirectoryProblem } from './catalog-check.ts';
import type { HealthCheck } from './check.ts';
import { checkClock, checkDatabase, checkIsolation, checkReplica, checkSettings } from './database-checks.ts';
import { checkDisk } from './disk-check.ts';
import { checkDumps, type Dumps } from './dump-check.ts';
import { checkEmail } from './email-check.ts';
import { Health, type ProcessState } from './health.ts';
import { checkKafka, type KafkaStates } from './kafka-check.ts';
import { checkEventLoop, checkLoop, type WorkLoop } from './process-checks.ts';
import { checkCircuits, checkDeadLetters, checkOverdue, checkRouteMoves, checkSetAsideWaits } from './work-checks.ts';

export interface HealthParts {
  /** At least two connections for the checks alone: they wait for no other work. */
  readonly pool: pg.Pool;
  /** Pools of the process, whose sessions are checked. */
  readonly pools: readonly pg.Pool[];
  /** The database of its API; absent or null: it serves none. */
  readonly database?: TenantDatabase | null;
  /** Folder of the embedded PostgreSQL; null: the database is elsewhere. */
  readonly dataDir: string | null;
  /** Returns the version of the active catalog; 0: no catalog was applied. */
  readonly loadCatalogVersion: () => Promise<number>;
  /** Returns why the catalog directory could not be applied; undefined: it was. */
  readonly findCatalogProblem: () => DirectoryProblem | undefined;
  readonly clock: () => Millis;
  /** Returns how far the clock of the machine is ahead of that of the database, in ms. */
  readonly getClockOffset: () => Millis;
  readonly state: ProcessState;
  /** Loops of its workers; empty: it runs no workers. */
  readonly loops: readonly WorkLoop[];
  /** Returns the circuits of its workers that are not closed. */
  readonly listOpenCircuits: () => readonly OpenCircuit[];
  /** State of the Kafka topics that it reads and writes; absent or null: it does neither. */
  readonly kafka?: KafkaStates | null;
  /** The replica that answers some of its reads; absent or null: there is no replica. */
  readonly replica?: Replica | null;
  /** Its scheduled dumps; null: it makes none. */
  readonly dumps: Dumps | null;
}

/** Returns the health of a process with all checks. */
export function buildHealth(parts: HealthParts): Health {
  const { pool, pools, dataDir, loadCatalogVersion, findCatalogProblem, clock, state, loops, listOpenCircuits, dumps } =
    parts;
  const inTurn = serialize();
  const checks = [
    checkDatabase(pool),
    checkSettings(pools),
    inTurn(checkDisk(pool, dataDir)),
    checkClock(parts.getClockOffset),
    checkCatalog(loadCatalogVersion, findCatalogProblem),
    checkEventLoop(),
    inTurn(checkSetAsideWaits(pool)),
    inTurn(checkRouteMoves(pool)),
    inTurn(checkEmail(pool, clock)),
    // Last: they read large tables, and what waits for them would look slow as well.
    inTurn(checkDeadLetters(pool)),
    inTurn(checkOverdue(pool, clock)),
    ...(parts.database?.isIsolated ? [inTurn(checkIsolation(parts.database))] : []),
    ...loops.map(checkLoop),
    ...(parts.replica ? [checkReplica(parts.replica)] : []),
    ...(dumps ? [checkDumps(dumps)] : []),
    ...(parts.kafka ? [inTurn(checkKafka(pool, clock, parts.kafka))] : []),
    ...(loops.length === 0 ? [] : [checkCircuits(listOpenCircuits)]),
  ];
  return new Health({ checks, clock, state, loops, listOpenCircuits });
}

/** Returns a function whose checks run one after the other, so that the check of the database always has a connection. */
function serialize(): (check: HealthCheck) => HealthCheck {
  let last: Promise<unknown> = Promise.resolve();
  return (check) => ({
    ...check,
    run() {
      const run = last.then(() => check.run());
      last = run.catch(() => {});
      return run;
    },
  });
}
