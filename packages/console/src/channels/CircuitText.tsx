import type { OpenCircuit } from '../api/types.ts';
import { Cause } from '../shell/Cause.tsx';
import { Time } from '../shell/Time.tsx';
import { T } from '../text/T.tsx';

/** Why nothing is sent at present, since when, and when it is tried again. */
export function CircuitText({ circuit }: { circuit: OpenCircuit }) {
  return (
    <T
      text={
        circuit.code === 'retry_after'
          ? 'Paused by the provider since {since}: {cause}. Next probe {probe}.'
          : 'Circuit open since {since}: {cause}. Next probe {probe}.'
      }
      values={{
        since: <Time value={circuit.since} as="full" />,
        cause: <Cause words={circuit.cause} />,
        probe: <Time value={circuit.next_probe_at} as="full" />,
      }}
    />
  );
}
