import { Group } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import type { Batch } from '@tidings/client/types';
import { commandBatch } from '../api/batches.ts';
import { ConfirmButton } from '../shell/ConfirmButton.tsx';
import { IconBan, IconPause } from '../shell/icons.tsx';
import { IconPlay } from '../shell/page-icons.tsx';
import { t } from '../text/text.ts';
import { getName } from './batch-look.ts';
import { EstimateView } from './EstimateView.tsx';

/**
 * Above this number of lines, it is typed to start or to cancel: unlike the number of open ones, it stays the same meanwhile.
 */
const MAX_UNTYPED = 100;

const DONE = { start: t('Started'), pause: t('Paused'), resume: t('Resumed'), cancel: t('Cancelled') };

/** Actions on a batch in its state. Renders nothing for one that has ended, or without the scope. */
export function BatchActions({ batch }: { batch: Batch }) {
  const queries = useQueryClient();
  const { batch_id: id, state, counts, lines } = batch;
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
          needs="batches:write"
          label={t('Start batch')}
          leftSection={<IconPlay size={14} />}
          act={act('start')}
          testId="batch-start"
          {...typed}
        >
          <EstimateView id={id} />
        </ConfirmButton>
      )}
      {state === 'running' && (
        <ConfirmButton
          needs="batches:write"
          label={t('Pause')}
          leftSection={<IconPause size={14} />}
          act={act('pause')}
          testId="batch-pause"
        >
          {t('No further message of it begins. A message that is being sent cannot be called back.')}
        </ConfirmButton>
      )}
      {state === 'paused' && (
        <ConfirmButton
          needs="batches:write"
          label={t('Resume')}
          leftSection={<IconPlay size={14} />}
          act={act('resume')}
          testId="batch-resume"
        >
          {t('It goes on with {open, number} recipients who are not done.', { open })}
        </ConfirmButton>
      )}
      {(state === 'draft' || state === 'running' || state === 'paused') && (
        <ConfirmButton
          needs="batches:write"
          label={t('Cancel batch')}
          leftSection={<IconBan size={14} />}
          color="red"
          act={act('cancel')}
          testId="batch-cancel"
          {...typed}
        >
          {t('{open, number} recipients who are not done get nothing. It cannot be resumed afterwards.', { open })}
        </ConfirmButton>
      )}
    </Group>
  );
}
