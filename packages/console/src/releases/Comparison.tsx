import { Skeleton, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { Release, ReleaseComparison, ReleaseVerdict } from '@tidings/client/types';
import { getRelease } from '../api/releases.ts';
import { FactRows } from '../channels/FactTable.tsx';
import { PAGE_MS } from '../shell/live-pages.ts';
import { ProblemView } from '../shell/ProblemView.tsx';
import { StatusBadge } from '../shell/StatusBadge.tsx';
import { Time } from '../shell/Time.tsx';
import { T } from '../text/T.tsx';
import { formatCount, t } from '../text/text.ts';
import { describeBound, formatWatched, NUMBERS, VERDICTS } from './release-look.ts';

type Span = ReleaseComparison['since_start'];

/** Counts of a version, in the order of their way. */
const COUNTED: Record<Exclude<keyof Span['before'], 'version'>, string> = {
  events: t('Events'),
  decided: t('Notifications decided'),
  waiting: t('Waits that are open'),
  held: t('Held back'),
  sent: t('Messages sent'),
  dead: t('Dead'),
  bounced: t('Bounced'),
  failed: t('Not delivered'),
  complained: t('Complained'),
  unsubscribed: t('Unsubscribed'),
};

/** Numbers of both versions of a release, and what the watch says of them. */
export function Comparison({ release }: { release: Release }) {
  const { release_id: id, state } = release;
  const status = useQuery({
    queryKey: ['releases', id, state],
    queryFn: () => getRelease(id),
    meta: { topics: ['metrics', 'releases'], every: PAGE_MS },
  });
  if (status.error) return <ProblemView problem={status.error} retry={() => status.refetch()} />;
  if (status.isPending) return <Skeleton height={160} />;
  const { comparison } = status.data;
  if (comparison === null) {
    return (
      <Text size="sm" c="dimmed">
        {t('Nothing is counted yet.')}
      </Text>
    );
  }
  return (
    <Stack gap="sm">
      <Verdicts title={t('Since it began')} verdicts={comparison.verdicts} span="since_start" release={release} />
      {comparison.last_hour !== null && (
        <Verdicts title={t('In the last hour')} verdicts={comparison.verdicts} span="last_hour" release={release} />
      )}
      <Counts span={comparison.since_start} release={release} />
      <Text size="xs" c="dimmed">
        <T text="Counted until {time}" values={{ time: <Time value={comparison.as_of} as="full" /> }} />
      </Text>
    </Stack>
  );
}

interface VerdictsProps {
  readonly title: string;
  readonly verdicts: readonly ReleaseVerdict[];
  readonly span: ReleaseVerdict['span'];
  readonly release: Release;
}

function Verdicts({ title, verdicts, span, release }: VerdictsProps) {
  const before = t('Version {version}', { version: release.from_version });
  const released = t('Version {version}', { version: release.to_version });
  return (
    <Stack gap={4}>
      <Text size="sm" fw={600} component="h3">
        {title}
      </Text>
      <FactRows
        testId={`verdicts-${span}`}
        items={verdicts.filter((one) => one.span === span)}
        getId={({ number }) => number}
        columns={{
          [t('Number')]: ({ number }) => NUMBERS[number] ?? number,
          [before]: ({ number, before: value }) => formatWatched(number, value),
          [released]: ({ number, released: value }) => formatWatched(number, value),
          [t('Bound')]: describeBound,
          [t('Watch')]: ({ state, text }) => (
            <>
              <StatusBadge look={VERDICTS[state]} testId="verdict" />
              {(state === 'exceeded' || state === 'waits_open') && (
                <Text size="xs" c="dimmed" mt={2}>
                  {text}
                </Text>
              )}
            </>
          ),
        }}
      />
    </Stack>
  );
}

function Counts({ span, release }: { span: Span; release: Release }) {
  type Name = keyof typeof COUNTED;
  return (
    <FactRows
      testId="version-counts"
      items={Object.keys(COUNTED) as Name[]}
      getId={(name) => name}
      columns={{
        [t('Counted')]: (name: Name) => COUNTED[name],
        [t('Version {version}', { version: release.from_version })]: (name: Name) => formatCount(span.before[name]),
        [t('Version {version}', { version: release.to_version })]: (name: Name) => formatCount(span.released[name]),
      }}
    />
  );
}
