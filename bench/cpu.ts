import { readdirSync, readFileSync } from 'node:fs';
import type pg from 'pg';

/** CPU time used so far, in microseconds: of this process, and of the PostgreSQL server with all its processes. Linux only. */
export async function cpuOf(pool: pg.Pool): Promise<{ node: number; postgres: number }> {
  const { rows } = await pool.query<{ pid: number }>('select pg_backend_pid() as pid');
  const server = statOf(String(rows[0]?.pid)).parent;
  const { user, system } = process.cpuUsage();
  let ticks = 0;
  for (const pid of readdirSync('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    try {
      const stat = statOf(pid);
      // Connections that were closed are in the server's own account, as children it waited for.
      if (pid === server) ticks += stat.own + stat.children;
      else if (stat.parent === server) ticks += stat.own;
    } catch {
      // It ended while we read.
    }
  }
  return { node: user + system, postgres: ticks * TICK };
}

/** Microseconds; USER_HZ is 100 on every Linux that Node runs on. */
const TICK = 10_000;

/** proc(5): after the name in parentheses, field 4 is the parent, 14 to 17 are user and system time, own and children's. */
function statOf(pid: string): { parent: string; own: number; children: number } {
  const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const ticks = (place: number) => Number(fields[place - 3]);
  return { parent: String(fields[1]), own: ticks(14) + ticks(15), children: ticks(16) + ticks(17) };
}
