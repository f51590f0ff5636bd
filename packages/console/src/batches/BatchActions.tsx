import { Group } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import type { Batch } from '@tidings/client/types';
import { commandBatch } from '../api/batches.ts';
import { count } from '../jobs/job-text.ts';
import { ConfirmButton } from '../shell/ConfirmButton.tsx';
import { IconBan, IconPause, IconPlay } from '../shell/icons.tsx';
import { useScopes } from '../shell/use-scopes.ts';
import { getName } from './batch-look.ts';
import { EstimateView } from './EstimateView.tsx';

/**
 * Above this number of lines, it is typed to start or to cancel: unlike the number of open ones, it stays the same meanwhile.
 */
const MAX_UNTYPED = 100;

const DONE = { start: 'Started', pause: 'Paused', resume: 'Resumed', cancel: 'Cancelled' };

/** Actions on a batch in its state. Renders nothing for one that has ended, or without the scope. */
export function BatchActions({ batch }: { batch: Batch }) {
  const can = useScopes();
  const queries = useQueryClient();
  const { batch_id: id, state, counts, lines } = batch;
  if (!can('batches:write')) return null;
  const act = (command: keyof typeof DONE) => async () => {
    const changed = await commandBatch(id, command);
    queries.setQueryData(['batches', id], changed);
    await queries.invalidateQueries({ queryKey: ['batches'] });
    return `${DONE[command]}: ${getName(batch)}.`;
  };
  const open = counts.pending + counts.accepted + counts.held + counts.scheduled;
  const typed = lines > MAX_UNTYPED ? { typed: String(lines) } : {};
  return (
    <Group gap="xs">
      {state === 'draft' && (open > 0 || batch.recipients !== null) && (
        <ConfirmButton
          label="Start batch"
          leftSection={<IconPlay size={14} />}
          act={act('start')}
          testId="batch-start"
          {...typed}
        >
          <EstimateView id={id} />
        </ConfirmButton>
      )}
      {state === 'running' && (
        <ConfirmButton label="Pause" leftSection={<IconPause size={14} />} act={act('pause')} testId="batch-pause">
          No further message of it begins. A message that is being sent cannot be called back.
        </ConfirmButton>
      )}
      {state === 'paused' && (
        <ConfirmButton label="Resume" leftSection={<IconPlay size={14} />} act={act('resume')} testId="batch-resume">
          {`It goes on with ${count(open)} recipients who are not done.`}
        </ConfirmButton>
      )}
      {(state === 'draft' || state === 'running' || state === 'paused') && (
        <ConfirmButton
          label="Cancel batch"
          leftSection={<IconBan size={14} />}
          color="red"
          act={act('cancel')}
          testId="batch-cancel"
          {...typed}
        >
          {`${count(open)} recipients who are not done get nothing. It cannot be resumed afterwards.`}
        </ConfirmButton>
      )}
    </Group>
  );
}
