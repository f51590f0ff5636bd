import type { OpenCircuit } from '../delivery/open-circuit.ts';
import { type CheckView, HealthMonitor, type MonitorOptions } from './monitor.ts';
import { isStuck, type WorkLoop } from './process-checks.ts';

/** State of the process as a whole. */
export interface ProcessState {
  /** True until the process can serve. */
  readonly starting?: boolean;
  readonly stopping: boolean;
}

export interface HealthOptions extends MonitorOptions {
  readonly state: ProcessState;
  /** Loops of the workers of this process. Default: it runs no workers. */
  readonly loops?: readonly WorkLoop[];
  /** Returns the circuits that are not closed. Default: none. */
  readonly listOpenCircuits?: () => readonly OpenCircuit[];
}

/** Answer to a probe: the status of HTTP and the body. */
export interface HealthAnswer {
  readonly status: 200 | 503;
  readonly body: {
    readonly status: string;
    readonly checks?: readonly CheckView[];
    readonly circuits?: readonly OpenCircuit[];
    readonly stuck?: readonly string[];
  };
}

/**
 * Health of this process for probes and operators. Live: it responds and its loops make progress; if not, only a restart
 * helps. Ready: it should get traffic.
 */
export class Health {
  readonly #options: HealthOptions;
  readonly #monitor: HealthMonitor;

  constructor(options: HealthOptions) {
    this.#options = options;
    this.#monitor = new HealthMonitor(options);
  }

  live(): HealthAnswer {
    const { state, loops = [] } = this.#options;
    const isRunning = !state.starting && !state.stopping;
    const stuck = isRunning ? loops.filter(isStuck).map(({ name }) => name) : [];
    return stuck.length === 0
      ? { status: 200, body: { status: 'live' } }
      : { status: 503, body: { status: 'stuck', stuck } };
  }

  /** Resolves within a second. Never rejects. */
  async ready(): Promise<HealthAnswer> {
    const { state, listOpenCircuits } = this.#options;
    const checks = await this.#monitor.report();
    const circuits = listOpenCircuits?.() ?? [];
    const status = summarize(state, checks);
    return {
      status: status === 'ready' || status === 'degraded' ? 200 : 503,
      body: { status, checks, ...(circuits.length === 0 ? {} : { circuits }) },
    };
  }
}

function summarize({ starting, stopping }: ProcessState, checks: readonly CheckView[]): string {
  if (stopping) return 'stopping';
  if (starting) return 'starting';
  if (checks.some(({ status }) => status === 'failing')) return 'not_ready';
  return checks.some(({ status }) => status === 'degraded') ? 'degraded' : 'ready';
}
