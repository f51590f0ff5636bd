import { Button, Group, NumberInput, Text } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import type { Batch } from '@tidings/client/types';
import { useState } from 'react';
import { changeBatchRate } from '../api/batches.ts';
import { announce } from '../shell/announce.tsx';
import { ProblemView } from '../shell/ProblemView.tsx';
import { useScopes } from '../shell/use-scopes.ts';
import { t } from '../text/text.ts';
import { isOpen } from './batch-look.ts';

/** As the API has it. */
const MAX_PER_SECOND = 100_000;

/** Rate at which a batch asks for its recipients, with a field for those who may change it. */
export function RateForm({ batch }: { batch: Batch }) {
  const can = useScopes();
  const [typed, setTyped] = useState<string | number>(batch.per_second ?? '');
  const queries = useQueryClient();
  const wanted = typed === '' ? null : Number(typed);
  const save = useMutation({
    mutationFn: () => changeBatchRate(batch.batch_id, wanted),
    onSuccess: (changed) => {
      queries.setQueryData(['batches', batch.batch_id], changed);
      announce(
        changed.per_second === null
          ? t('The rate is now without a limit.')
          : t('The rate is now {rate, number} recipients per second.', { rate: changed.per_second }),
      );
    },
  });
  if (!isOpen(batch) || batch.state === 'cancelled' || !can('batches:write')) {
    return (
      <Text size="sm">
        {batch.per_second === null
          ? t('Rate: without a limit')
          : t('Rate: {rate, number} recipients per second', { rate: batch.per_second })}
      </Text>
    );
  }
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (!save.isPending && wanted !== batch.per_second) save.mutate();
      }}
    >
      <Group gap="sm" align="flex-end">
        <NumberInput
          size="xs"
          label={t('Recipients per second, at most')}
          placeholder={t('no limit')}
          value={typed}
          onChange={setTyped}
          min={1}
          max={MAX_PER_SECOND}
          allowDecimal={false}
          hideControls
          data-testid="batch-rate"
        />
        <Button size="xs" variant="default" type="submit" aria-busy={save.isPending} data-testid="batch-rate-save">
          {t('Change rate')}
        </Button>
      </Group>
      {save.error && <ProblemView problem={save.error} />}
    </form>
  );
}
