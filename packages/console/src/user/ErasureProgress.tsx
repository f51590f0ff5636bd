import { Anchor, Loader, Paper, Skeleton, Stack, Text, Title } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';
import { getErasure } from '../api/users.ts';
import { linkToJobs } from '../route.ts';
import { Fields } from '../shell/Fields.tsx';
import { ProblemView } from '../shell/ProblemView.tsx';
import { Time } from '../shell/Time.tsx';
import { T } from '../text/T.tsx';
import { formatCount, t } from '../text/text.ts';

const POLL_MS = 2000;

/** Progress of the erasure of a user, with the rows of each table that it has deleted. */
export function ErasureProgress({ id }: { id: string }) {
  const queries = useQueryClient();
  const erasure = useQuery({
    queryKey: ['erasure', id],
    queryFn: () => getErasure(id),
    refetchInterval: ({ state }) => (state.data?.status === 'done' ? false : POLL_MS),
  });
  const status = erasure.data?.status;
  // biome-ignore lint/correctness/useExhaustiveDependencies: another status means that less is known of the user
  useEffect(() => {
    void queries.invalidateQueries({ queryKey: ['user'] });
  }, [queries, status]);
  if (erasure.error) return <ProblemView problem={erasure.error} retry={() => erasure.refetch()} />;
  if (!erasure.data) return <Skeleton height={96} />;
  const { counts, finished_at: finishedAt, erased_at: erasedAt } = erasure.data;
  const deleted = Object.entries(counts).filter(([, count]) => count > 0);
  return (
    <Paper withBorder p="md" component="section" aria-label={t('Erasure')} data-testid="erasure" data-status={status}>
      <Stack gap="xs">
        <Title order={2} size="h4">
          {finishedAt === null ? t('This user is being erased') : t('This user is erased')}
        </Title>
        <Text size="sm" role="status">
          {finishedAt === null ? (
            <>
              <Loader size={12} aria-hidden="true" />{' '}
              <T
                text="Begun {time}. Nothing is sent to them any longer; the rest is deleted by a <a>job</a>."
                values={{
                  time: <Time value={erasedAt} />,
                  a: (words) => <Anchor href={linkToJobs()}>{words}</Anchor>,
                }}
              />
            </>
          ) : (
            <T
              text="Begun {time}, done {end}."
              values={{ time: <Time value={erasedAt} />, end: <Time value={finishedAt} /> }}
            />
          )}
        </Text>
        {deleted.length > 0 && (
          <>
            <Text size="sm" fw={600}>
              {t('Rows that were deleted')}
            </Text>
            <Fields values={Object.fromEntries(deleted.map(([table, count]) => [table, formatCount(count)]))} />
          </>
        )}
      </Stack>
    </Paper>
  );
}
