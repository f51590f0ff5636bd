import { Button, Group, NumberInput, Text } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import type { Batch } from '@tidings/client/types';
import { useState } from 'react';
import { changeBatchRate } from '../api/batches.ts';
import { count } from '../jobs/job-text.ts';
import { announce } from '../shell/announce.tsx';
import { ProblemView } from '../shell/ProblemView.tsx';
import { useScopes } from '../shell/use-scopes.ts';
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
      announce(`The rate is now ${describeRate(changed.per_second)}.`);
    },
  });
  if (!isOpen(batch) || batch.state === 'cancelled' || !can('batches:write')) {
    return <Text size="sm">Rate: {describeRate(batch.per_second)}</Text>;
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
          label="Recipients per second, at most"
          placeholder="no limit"
          value={typed}
          onChange={setTyped}
          min={1}
          max={MAX_PER_SECOND}
          allowDecimal={false}
          hideControls
          data-testid="batch-rate"
        />
        <Button size="xs" variant="default" type="submit" aria-busy={save.isPending} data-testid="batch-rate-save">
          Change rate
        </Button>
      </Group>
      {save.error && <ProblemView problem={save.error} />}
    </form>
  );
}

function describeRate(perSecond: number | null): string {
  return perSecond === null ? 'without a limit' : `${count(perSecond)} recipients per second`;
}
