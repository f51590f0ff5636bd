import { Group, Paper, Stack, Text } from '@mantine/core';
import type { Release } from '@tidings/client/types';
import { DiffView } from '../catalog/DiffView.tsx';
import { Disclosure } from '../shell/Disclosure.tsx';
import { StatusBadge } from '../shell/StatusBadge.tsx';
import { Time } from '../shell/Time.tsx';
import { T } from '../text/T.tsx';
import { t } from '../text/text.ts';
import { Comparison } from './Comparison.tsx';
import { EndReason } from './EndReason.tsx';
import { CancelReleaseButton, FinishButton, RaiseShareButton, RollBackReleaseButton } from './ReleaseActions.tsx';
import { RELEASE_STATES } from './release-look.ts';

/** A release: its share, its history, its changes, and how both versions do. */
export function ReleaseCard({ release }: { release: Release }) {
  const isUnderWay = release.state === 'watching';
  return (
    <Paper withBorder p="md" data-row data-testid="release" data-release={release.release_id}>
      <Stack gap="sm">
        <Group justify="space-between" gap="sm">
          <Group gap="sm">
            <Text fw={650} component="h2" size="md">
              {t('Version {version} for {share, select, 100 {all users} other {{share}% of the users}}', {
                version: release.to_version,
                // Its last share is that of the steps below: to finish it is to let it decide about all.
                share: release.state === 'finished' ? 100 : release.share,
              })}
            </Text>
            <StatusBadge look={RELEASE_STATES[release.state]} testId="release-state" />
          </Group>
          {isUnderWay && (
            <Group gap="xs">
              {release.share < 100 && <RaiseShareButton release={release} />}
              <FinishButton release={release} />
              <RollBackReleaseButton release={release} />
            </Group>
          )}
          {release.state === 'scheduled' && <CancelReleaseButton release={release} />}
        </Group>
        {release.note !== null && (
          <Text size="sm" className="break">
            {release.note}
          </Text>
        )}
        <History release={release} />
        {isUnderWay && <Comparison release={release} />}
        {!isUnderWay && release.started_at !== null && (
          <Disclosure label={t('Numbers of both versions')} testId="release-numbers">
            <Comparison release={release} />
          </Disclosure>
        )}
        <Disclosure
          label={t('Changes from version {version}', { version: release.from_version })}
          testId="release-changes"
        >
          <DiffView from={release.from_version} to={release.to_version} />
        </Disclosure>
      </Stack>
    </Paper>
  );
}

function History({ release }: { release: Release }) {
  const {
    state,
    steps,
    finish_at: finishAt,
    watch,
    ended_at: endedAt,
    ended_by: endedBy,
    end_reason: reason,
  } = release;
  const { starts_at: startsAt, started_by: startedBy, started_at: startedAt } = release;
  return (
    <Stack gap={2} data-testid="release-history">
      {startsAt !== null && startedAt === null && (
        <Text size="sm" c="dimmed" className="break" data-testid="release-starts">
          <T
            text={
              state === 'scheduled'
                ? 'It begins by itself on {time}, as {name} asked.'
                : 'It was to begin on {time}, as {name} asked.'
            }
            values={{ time: <Time value={startsAt} as="full" />, name: startedBy }}
          />
        </Text>
      )}
      {steps.map(({ at, share, by }) => (
        <Text key={at} size="sm" c="dimmed" className="break">
          <T
            text="{share, select, 100 {all users} other {{share}% of the users}} since {time}, by {name}"
            values={{ share, time: <Time value={at} as="full" />, name: by }}
          />
        </Text>
      ))}
      {endedAt !== null && (
        <Text size="sm" className="break">
          <T
            text={
              reason === null
                ? endedBy === null
                  ? '{state} {time}'
                  : '{state} {time} by {name}'
                : endedBy === null
                  ? '{state} {time}: {reason}'
                  : '{state} {time} by {name}: {reason}'
            }
            values={{
              state: RELEASE_STATES[release.state].label,
              time: <Time value={endedAt} as="full" />,
              name: endedBy,
              reason: <EndReason release={release} />,
            }}
          />
        </Text>
      )}
      {endedAt === null && state === 'scheduled' && (
        <Text size="sm" c="dimmed">
          {t('It fails if another version is active by then.')}
        </Text>
      )}
      {endedAt === null && state !== 'scheduled' && (
        <Text size="sm" c="dimmed">
          {watch === null
            ? t('It is not watched: only a command rolls it back.')
            : t('It is rolled back by itself if a number is beyond its bound.')}{' '}
          {finishAt === null ? (
            t('It finishes by command.')
          ) : (
            <T
              text="It finishes by itself on {time} if nothing is beyond its bound then."
              values={{ time: <Time value={finishAt} as="full" /> }}
            />
          )}
        </Text>
      )}
    </Stack>
  );
}
