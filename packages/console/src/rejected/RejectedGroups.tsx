import { Button, Group, Paper, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { JsonObject, RejectedGroup } from '@tidings/client/types';
import { useState } from 'react';
import { getRejectedGroups } from '../api/rejected.ts';
import { JobButton } from '../jobs/JobButton.tsx';
import { IconBan, IconRefresh, IconWand } from '../shell/icons.tsx';
import { ProblemView } from '../shell/ProblemView.tsx';
import { Time } from '../shell/Time.tsx';
import { T } from '../text/T.tsx';
import { t } from '../text/text.ts';

const POLL_MS = 4000;
const MAX_GROUPS = 5;

/** Groups of rejected events with buttons that act on all of one. Renders nothing while no group has two events. */
export function RejectedGroups() {
  const [showsAll, setShowsAll] = useState(false);
  const list = useQuery({
    queryKey: ['rejected', 'groups'],
    queryFn: getRejectedGroups,
    meta: { topics: ['rejected'], every: POLL_MS },
  });
  if (list.error) return <ProblemView problem={list.error} retry={() => list.refetch()} />;
  const groups = (list.data?.groups ?? []).filter((one) => one.count > 1);
  if (groups.length === 0) return null;
  const shown = showsAll ? groups : groups.slice(0, MAX_GROUPS);
  return (
    <>
      <Paper withBorder component="ul" className="rows" aria-label={t('Groups of rejected events')}>
        {shown.map((group) => (
          <GroupRow key={`${group.event_type} ${group.code} ${group.path}`} group={group} />
        ))}
      </Paper>
      {shown.length < groups.length && (
        <Button variant="default" size="xs" onClick={() => setShowsAll(true)} data-testid="all-groups">
          {t('Show all {count} groups', { count: groups.length })}
        </Button>
      )}
    </>
  );
}

function GroupRow({ group }: { group: RejectedGroup }) {
  const { event_type: type, code, path } = group;
  const filter: JsonObject = { code, path, ...(type !== null && { event_type: type }) };
  return (
    <li className="rejected-row" data-row data-testid="rejected-group" data-code={code}>
      <Group gap="sm" justify="space-between" align="flex-start">
        <Text size="sm" className="break">
          <T
            text={
              path === ''
                ? '<strong>{count, number} events</strong> {type} {code}'
                : '<strong>{count, number} events</strong> {type} {code} at {path}'
            }
            values={{
              strong: (children) => <strong>{children}</strong>,
              count: group.count,
              type: <span className="name">{type ?? t('without a type')}</span>,
              code: <span className="name">{code}</span>,
              path: <span className="name">{path}</span>,
            }}
          />
          <br />
          <span lang="en">{group.message}</span>
          <br />
          <Text span size="sm" c="dimmed">
            <T
              text={group.sources.length === 0 ? 'last {time}' : 'last {time}, brought by {sources}'}
              values={{ time: <Time value={group.last_at} as="full" />, sources: group.sources.join(', ') }}
            />
          </Text>
        </Text>
        <Group gap="xs">
          <JobButton
            request={{ action: 'rejected.retry', filter }}
            label={t('Retry all')}
            note={t('Each event is ingested again as it was. Events that are accepted leave the list.')}
            leftSection={<IconRefresh size={14} />}
            testId="group-retry"
          />
          <JobButton
            request={{ action: 'rejected.retry', filter }}
            label={t('Correct all')}
            note={t('Each event is corrected and ingested again. Events that are rejected again stay as they were.')}
            correction={{ patch: suggestPatch(path), path }}
            leftSection={<IconWand size={14} />}
            testId="group-correct"
          />
          <JobButton
            request={{ action: 'rejected.dismiss', filter }}
            label={t('Dismiss all')}
            note={t('The events are deleted without being ingested.')}
            asksWhy
            leftSection={<IconBan size={14} />}
            testId="group-dismiss"
          />
        </Group>
      </Group>
    </li>
  );
}

/** Returns a patch with the field at the path of a rejection, to be filled in: `{"properties": {"amount": ""}}`. */
export function suggestPatch(path: string): JsonObject {
  if (path === '') return {};
  const names = path.split('.');
  return names.reduceRight<JsonObject | string>((value, name) => ({ [name]: value }), '') as JsonObject;
}
