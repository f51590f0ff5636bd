import { uptime as readUptime } from 'node:os';

/** Difference (ms) between two clocks that is no suspension: the operating system may count its uptime in whole seconds. */
const MIN_SUSPENDED_MS = 1500;

/** Difference (ms) between wall clock and monotonic clock since the last reading at which the uptime is looked at. */
const SUSPICIOUS_MS = 50;

/** Time (ms) of the monotonic clock after which the uptime is looked at anyway: the wall clock may have been set back. */
const LOOK_INTERVAL_MS = 100;

/** The clocks of the machine, in ms. */
interface MachineClocks {
  /** Monotonic; may stand still while the machine is suspended. */
  readonly elapsed: () => number;
  /** May be set at any time. */
  readonly wall: () => number;
  /** Time since the machine was started, suspensions included. */
  readonly uptime: () => number;
}

const MACHINE: MachineClocks = {
  elapsed: () => performance.now(),
  wall: () => Date.now(),
  uptime: () => readUptime() * 1000,
};

/**
 * Returns a monotonic clock in ms that goes on while the machine is suspended, unlike `performance.now`. Cheap: the uptime,
 * which costs a system call, is looked at only if the wall clock moved differently, or after a while.
 */
export function suspendClock({ elapsed, wall, uptime }: MachineClocks = MACHINE): () => number {
  const start = uptime() - elapsed();
  let suspended = 0;
  let [lookedAt, lookedAtWall] = [elapsed(), wall()];
  return () => {
    const [now, nowWall] = [elapsed(), wall()];
    const passed = now - lookedAt;
    if (passed >= LOOK_INTERVAL_MS || Math.abs(nowWall - lookedAtWall - passed) >= SUSPICIOUS_MS) {
      [lookedAt, lookedAtWall] = [now, nowWall];
      const found = uptime() - now - start;
      if (found >= suspended + MIN_SUSPENDED_MS) suspended = found;
    }
    return now + suspended;
  };
}
