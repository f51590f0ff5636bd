import { Anchor, Button, Group, Paper, Skeleton, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { SegmentPreview, SegmentUser } from '@tidings/client/types';
import { getSegments, getSegmentUsers, previewSegment } from '../api/lists.ts';
import { FactTable } from '../channels/FactTable.tsx';
import { linkToLists, linkToNewBatchFor, linkToUser } from '../route.ts';
import { PageTitle } from '../shell/PageTitle.tsx';
import { ProblemView } from '../shell/ProblemView.tsx';
import { useScopes } from '../shell/use-scopes.ts';
import { t } from '../text/text.ts';

function Size({ size: { exact: isExact, count, users, examined } }: { size: SegmentPreview }) {
  if (isExact) return t('{count, number} of {users, number} users', { count, users });
  return t('about {count, number} of {users, number} users, estimated from {examined, number} of them', {
    count,
    users,
    examined,
  });
}

/** One segment: its condition, how many users meet it now, and who. */
export function SegmentPage({ name }: { name: string }) {
  const can = useScopes();
  const segments = useQuery({ queryKey: ['segments'], queryFn: getSegments });
  const size = useQuery({
    queryKey: ['segment-size', name],
    queryFn: () => previewSegment({ segment: name }),
    refetchOnWindowFocus: false,
  });
  const segment = segments.data?.segments.find((each) => each.name === name);
  return (
    <Stack gap="md">
      <Anchor size="sm" href={linkToLists()}>
        {t('All lists and segments')}
      </Anchor>
      <PageTitle>{t('Segment {name}', { name })}</PageTitle>
      {segments.error && <ProblemView problem={segments.error} retry={() => segments.refetch()} />}
      {segment !== undefined && (
        <Paper withBorder p="md">
          <Stack gap="xs">
            {segment.description !== null && <Text size="sm">{segment.description}</Text>}
            <code className="break" data-testid="segment-condition">
              {segment.condition}
            </code>
            <Text size="xs" c="dimmed" className="break">
              {segment.rules.length === 0
                ? t('No rule names it.')
                : t('Rules: {rules}', { rules: segment.rules.join(', ') })}
            </Text>
          </Stack>
        </Paper>
      )}
      {size.error && <ProblemView problem={size.error} retry={() => size.refetch()} />}
      {size.isPending && <Skeleton height={40} />}
      {size.data && (
        <Text size="sm" data-testid="segment-size">
          <Size size={size.data} />
        </Text>
      )}
      {can('batches:write') && (
        <Group>
          <Button component="a" href={linkToNewBatchFor('segment', name)} size="xs" variant="default">
            {t('New batch for this segment')}
          </Button>
        </Group>
      )}
      {size.data && (
        <FactTable
          title={t('Users')}
          testId="segment-users"
          of={name}
          load={(after) => getSegmentUsers(name, after)}
          getItems={({ users }) => users}
          getId={({ user_id: id }) => id}
          empty={t('No user meets the condition now.')}
          columns={{
            [t('User')]: ({ user_id: id }: SegmentUser) => (
              <a className="user-link" href={linkToUser(id)} title={id}>
                {id}
              </a>
            ),
            [t('Addresses')]: ({ addresses }: SegmentUser) => (
              <span className="break">{Object.values(addresses).join(', ') || t('none')}</span>
            ),
          }}
        />
      )}
    </Stack>
  );
}
