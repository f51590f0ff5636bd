import { Paper } from '@mantine/core';
import type { ReactNode } from 'react';
import type { MetricFilter } from '../route.ts';
import { EmptyState } from '../shell/EmptyState.tsx';
import { t } from '../text/text.ts';
import { toSpan } from './metric-filter.ts';

/** Shows the numbers of a span that has begun; of another one it says that it has nothing, and does not show those of another span. */
export function IfBegun({ filter, children }: { filter: MetricFilter; children: ReactNode }) {
  const now = Date.now();
  const { from, to } = toSpan(filter, now);
  if (from < Math.min(to, now)) return children;
  const isAhead = from >= now;
  return (
    <Paper withBorder data-testid="not-begun">
      <EmptyState title={t(isAhead ? 'There is nothing yet' : 'The span ends before it begins')}>
        {t(isAhead ? 'The span begins in the future.' : 'Choose another start or end.')}
      </EmptyState>
    </Paper>
  );
}
