import { Text } from '@mantine/core';
import type { Batch } from '@tidings/client/types';
import { ReasonCode } from '../shell/Reason.tsx';
import { formatCount, t, toInner } from '../text/text.ts';
import { RECIPIENT_STATES } from './batch-look.ts';

/** Counts of recipients without a message by reason code, the largest first. Renders nothing without any. */
export function CodeCounts({ codes }: { codes: Batch['codes'] }) {
  const rows = Object.entries(codes).flatMap(([state, byCode]) =>
    Object.entries(byCode).map(([code, n]) => ({ state, code, n })),
  );
  if (rows.length === 0) return null;
  const looks: { readonly [state: string]: { readonly label: string } } = RECIPIENT_STATES;
  return (
    <div data-testid="batch-codes">
      <Text size="sm" fw={600}>
        {t('By reason')}
      </Text>
      <ul className="job-groups">
        {rows
          .sort((a, b) => b.n - a.n)
          .map(({ state, code, n }) => (
            <li key={`${state} ${code}`}>
              <Text size="sm" className="break">
                {formatCount(n)} × {looks[state] ? toInner(looks[state].label) : state}: <ReasonCode code={code} />
              </Text>
            </li>
          ))}
      </ul>
    </div>
  );
}
