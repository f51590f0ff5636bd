import { Anchor, Button, Group, Paper, Skeleton, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { SegmentUser } from '@tidings/client/types';
import { getSegments, getSegmentUsers, previewSegment } from '../api/lists.ts';
import { FactTable } from '../channels/FactTable.tsx';
import { count } from '../jobs/job-text.ts';
import { linkToLists, linkToNewBatchFor, linkToUser } from '../route.ts';
import { PageTitle } from '../shell/PageTitle.tsx';
import { ProblemView } from '../shell/ProblemView.tsx';
import { useScopes } from '../shell/use-scopes.ts';

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
        All lists and segments
      </Anchor>
      <PageTitle>Segment {name}</PageTitle>
      {segments.error && <ProblemView problem={segments.error} retry={() => segments.refetch()} />}
      {segment !== undefined && (
        <Paper withBorder p="md">
          <Stack gap="xs">
            {segment.description !== null && <Text size="sm">{segment.description}</Text>}
            <code className="break" data-testid="segment-condition">
              {segment.condition}
            </code>
            <Text size="xs" c="dimmed" className="break">
              {segment.rules.length === 0 ? 'No rule names it.' : `Rules: ${segment.rules.join(', ')}`}
            </Text>
          </Stack>
        </Paper>
      )}
      {size.error && <ProblemView problem={size.error} retry={() => size.refetch()} />}
      {size.isPending && <Skeleton height={40} />}
      {size.data && (
        <Text size="sm" data-testid="segment-size">
          {!size.data.exact && 'about '}
          {count(size.data.count)} of {count(size.data.users)} users
          {!size.data.exact && `, estimated from ${count(size.data.examined)} of them`}
        </Text>
      )}
      {can('batches:write') && (
        <Group>
          <Button component="a" href={linkToNewBatchFor('segment', name)} size="xs" variant="default">
            New batch for this segment
          </Button>
        </Group>
      )}
      {size.data && (
        <FactTable
          title="Users"
          testId="segment-users"
          of={name}
          load={(after) => getSegmentUsers(name, after)}
          getItems={({ users }) => users}
          getId={({ user_id: id }) => id}
          empty="No user meets the condition now."
          columns={{
            User: ({ user_id: id }: SegmentUser) => (
              <a className="user-link" href={linkToUser(id)} title={id}>
                {id}
              </a>
            ),
            Addresses: ({ addresses }: SegmentUser) => (
              <span className="break">{Object.values(addresses).join(', ') || 'none'}</span>
            ),
          }}
        />
      )}
    </Stack>
  );
}
