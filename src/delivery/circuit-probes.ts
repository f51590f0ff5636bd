import type { Millis } from '../model/event.ts';
import type { CircuitPlace } from '../store/deliveries/circuits.ts';
import type { CircuitSharing } from './circuit-sharing.ts';

/** Time in ms after which it is asked again whether a probe is to be had that another delivery asks for. */
const PROBE_ASKED_MS: Millis = 1000;
/** Time in ms that a probe is kept beyond the limit of its send: its worker may have died, or stand still. */
const PROBE_GRACE_MS: Millis = 10_000;

/** State of the probe of a circuit that is half open. */
export interface ProbeState {
  /** The send that has the probe, or has asked for it, and since when by the monotonic clock. */
  probe?: { readonly holder: object | undefined; readonly since: Millis };
  /** Until when another process may be probing it, by the monotonic clock; absent or past: none is. */
  probedElsewhereUntil?: Millis;
}

interface Probed extends ProbeState {
  readonly place: CircuitPlace;
  readonly version?: number;
}

/** Shares probes with the other processes. */
export type ProbeSharing = Pick<CircuitSharing, 'takeProbe' | 'release'>;

export interface CircuitProbesOptions {
  /** A monotonic clock in ms. */
  readonly elapsed: () => Millis;
  /** Limit of one send in ms: a probe that has not ended by then no longer prevents another. */
  readonly sendLimit: Millis;
}

/** Gives the probe of a circuit that is half open to one send at a time, over all processes if it is shared. */
export class CircuitProbes {
  readonly #options: CircuitProbesOptions;
  #sharing: ProbeSharing | undefined;

  constructor(options: CircuitProbesOptions) {
    this.#options = options;
  }

  /** Shares probes from now on. */
  shareBy(sharing: ProbeSharing): void {
    this.#sharing = sharing;
  }

  /** Returns for how many ms a probe is under way; 0: none is. */
  getWait({ probe, probedElsewhereUntil }: ProbeState): Millis {
    const { elapsed, sendLimit } = this.#options;
    const ends = Math.max((probe?.since ?? Number.NEGATIVE_INFINITY) + sendLimit, probedElsewhereUntil ?? 0);
    return Math.max(0, ends - elapsed());
  }

  /**
   * Takes the probes of all of these circuits for a send, or of none. Returns for how many ms to wait; 0: it has them.
   * @param getWait returns for how many ms the circuits have to wait, if another process is faster
   * @throws if the database does not say who has the probe
   */
  take(circuits: readonly Probed[], holder: object | undefined, getWait: () => Millis): Millis | Promise<Millis> {
    const since = this.#options.elapsed();
    for (const circuit of circuits) circuit.probe = { holder, since };
    return this.#sharing ? this.#takeShared(this.#sharing, circuits, holder, getWait) : 0;
  }

  async #takeShared(
    sharing: ProbeSharing,
    circuits: readonly Probed[],
    holder: object | undefined,
    getWait: () => Millis,
  ): Promise<Millis> {
    const lease = this.#options.sendLimit + PROBE_GRACE_MS;
    const taken: Probed[] = [];
    try {
      for (const circuit of circuits) {
        if (!(await sharing.takeProbe(circuit.place.id, () => circuit.version, lease))) break;
        taken.push(circuit);
      }
    } finally {
      if (taken.length < circuits.length) {
        for (const circuit of circuits) {
          if (taken.includes(circuit)) this.release(circuit, holder);
          else if (circuit.probe?.holder === holder) delete circuit.probe;
        }
      }
    }
    return taken.length === circuits.length ? 0 : Math.max(PROBE_ASKED_MS, getWait());
  }

  /** Gives the probe of a circuit back, if this send has it: one that began while the circuit was closed does not have it. */
  release(circuit: Probed, holder: object | undefined): void {
    if (!circuit.probe || circuit.probe.holder !== holder) return;
    delete circuit.probe;
    this.#sharing?.release(circuit.place.id);
  }
}
