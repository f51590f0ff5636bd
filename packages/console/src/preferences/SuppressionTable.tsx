import { getSuppressionsOf } from '../api/suppressions.ts';
import { FactTable } from '../channels/FactTable.tsx';
import { SUPPRESSION_COLUMNS } from '../suppressions/suppression-columns.tsx';
import { t } from '../text/text.ts';

/** Suppressions of the addresses that a user has. */
export function SuppressionTable({ userId }: { userId: string }) {
  return (
    <FactTable
      title={t('Suppressed addresses')}
      testId="user-suppressions"
      of={userId}
      load={(after) => getSuppressionsOf(userId, after)}
      getItems={({ suppressions }) => suppressions}
      getId={({ suppression_id }) => suppression_id}
      empty={t('No address of the user is suppressed.')}
      columns={SUPPRESSION_COLUMNS}
    />
  );
}
