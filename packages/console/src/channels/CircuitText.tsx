import type { OpenCircuit } from '../api/types.ts';
import { Time } from '../shell/Time.tsx';

/** Why nothing is sent at present, since when, and when it is tried again. */
export function CircuitText({ circuit }: { circuit: OpenCircuit }) {
  return (
    <>
      {circuit.code === 'retry_after' ? 'Paused by the provider' : 'Circuit open'} since{' '}
      <Time value={circuit.since} as="full" />: {circuit.cause}. Next probe{' '}
      <Time value={circuit.next_probe_at} as="full" />.
    </>
  );
}
