import { Text, TextInput } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import type { Suppression } from '@tidings/client/types';
import { useState } from 'react';
import { liftSuppression } from '../api/suppressions.ts';
import { ConfirmButton } from '../shell/ConfirmButton.tsx';
import { IconUndo } from '../shell/page-icons.tsx';
import { T } from '../text/T.tsx';
import { t } from '../text/text.ts';
import { formatScope, SUPPRESSION_REASONS } from './suppression-words.ts';

/** Keys of the queries that show suppressions. */
const SHOWN = [['suppressions'], ['user-suppressions'], ['preferences'], ['found-suppressions']];

/** Button that lets an address get messages again. */
export function LiftButton({ suppression }: { suppression: Suppression }) {
  const queries = useQueryClient();
  const [note, setNote] = useState('');
  const { suppression_id: id, address, scope, reason } = suppression;
  return (
    <ConfirmButton
      needs="suppressions:write"
      label={t('Lift')}
      leftSection={<IconUndo size={14} />}
      color="red"
      act={async () => {
        await liftSuppression(id, note.trim());
        await Promise.all(SHOWN.map((queryKey) => queries.invalidateQueries({ queryKey })));
        return address === null
          ? t('Lifted: the address gets messages again ({scope}).', { scope: formatScope(scope) })
          : t('Lifted: {address} gets messages again ({scope}).', { address, scope: formatScope(scope) });
      }}
      testId="lift-suppression"
    >
      <Text size="sm">
        <T
          text={
            address === null
              ? 'The address gets messages again that were stopped ({reason}). Who unsubscribed or complained must have agreed to it. The audit log keeps the evidence.'
              : '{address} gets messages again that were stopped ({reason}). Who unsubscribed or complained must have agreed to it. The audit log keeps the evidence.'
          }
          values={{ address, reason: SUPPRESSION_REASONS[reason] ?? reason }}
        />
      </Text>
      <TextInput
        label={t('Why, for the audit log; without names')}
        value={note}
        onChange={(event) => setNote(event.currentTarget.value)}
        autoComplete="off"
        data-testid="lift-note"
      />
    </ConfirmButton>
  );
}
