import { Group, Text } from '@mantine/core';
import type { Release } from '@tidings/client/types';
import { EndReason } from '../releases/EndReason.tsx';
import { RELEASE_STATES } from '../releases/release-look.ts';
import { linkToReleases } from '../route.ts';
import { StatusBadge } from '../shell/StatusBadge.tsx';
import { Time } from '../shell/Time.tsx';
import { T } from '../text/T.tsx';
import { t } from '../text/text.ts';

/** The latest release of a version: its state, and about which users it decides, or how it ended. */
export function ReleaseNote({ release }: { release: Release }) {
  return (
    <Group gap="xs" data-testid="release-note">
      <a href={linkToReleases()}>{t('Release')}</a>
      <StatusBadge look={RELEASE_STATES[release.state]} />
      <Text size="sm" className="break">
        <Course release={release} />
      </Text>
    </Group>
  );
}

function Course({ release }: { release: Release }) {
  const { state, share, steps, starts_at: startsAt, started_by: startedBy } = release;
  const { ended_at: endedAt, ended_by: endedBy, end_reason: reason } = release;
  const last = steps.at(-1);
  if (state === 'watching' && last)
    return (
      <T
        text="{share, select, 100 {all users} other {{share}% of the users}} since {time}, by {name}"
        values={{ share, time: <Time value={last.at} as="full" />, name: last.by }}
      />
    );
  if (state === 'scheduled' && startsAt !== null)
    return (
      <T
        text="It begins by itself on {time}, as {name} asked."
        values={{ time: <Time value={startsAt} as="full" />, name: startedBy }}
      />
    );
  if (endedAt === null) return null;
  const time = <Time value={endedAt} as="full" />;
  const values = { name: endedBy, time, reason: <EndReason release={release} /> };
  if (reason === null) return endedBy === null ? time : <T text="by {name}, {time}" values={values} />;
  return <T text={endedBy === null ? '{time}: {reason}' : 'by {name}, {time}: {reason}'} values={values} />;
}
