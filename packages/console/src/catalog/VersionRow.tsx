import { Badge, Group, Text } from '@mantine/core';
import type { Release } from '@tidings/client/types';
import type { CatalogVersion } from '../api/types.ts';
import { StartRelease } from '../releases/StartRelease.tsx';
import { Disclosure } from '../shell/Disclosure.tsx';
import { Time } from '../shell/Time.tsx';
import { T } from '../text/T.tsx';
import { t } from '../text/text.ts';
import { DiffView } from './DiffView.tsx';
import { ReleaseNote } from './ReleaseNote.tsx';
import { RollBackButton } from './RollBackButton.tsx';

interface VersionRowProps {
  readonly version: CatalogVersion;
  /** Number of the active version. */
  readonly active: number;
  /** Whether versions can be released and made active at present. */
  readonly canChange: boolean;
  /** The latest release of the version; undefined: it was not released, or long ago. */
  readonly release: Release | undefined;
}

/** Catalog version with its changes and its latest release. */
export function VersionRow({ version: row, active, canChange, release }: VersionRowProps) {
  const { version, applied_at: appliedAt, applied_by: appliedBy, rules, notifications } = row;
  return (
    <div className="version" data-row data-testid="version" data-version={version}>
      <Group gap="sm" justify="space-between">
        <Group gap="sm">
          <Text fw={650}>{t('Version {version}', { version })}</Text>
          {row.active && (
            <Badge radius="sm" tt="none" variant="default">
              {t('active')}
            </Badge>
          )}
          <Text size="sm" c="dimmed" className="break">
            <T
              text="applied {time} by {name}"
              values={{ time: <Time value={appliedAt} as="full" />, name: appliedBy }}
            />
            {' · '}
            {t('{rules, plural, one {# rule} other {# rules}}', { rules })},{' '}
            {t('{types, plural, one {# notification type} other {# notification types}}', { types: notifications })}
          </Text>
        </Group>
        {!row.active && canChange && (
          <Group gap="xs">
            <StartRelease version={version} />
            <RollBackButton version={version} active={active} />
          </Group>
        )}
      </Group>
      {release && <ReleaseNote release={release} />}
      {row.activations
        .filter(({ kind }) => kind === 'rolled_back')
        .map(({ at, by, from }) => (
          <Text key={at} size="sm" className="break" data-testid="rollback-note">
            <T
              text="Rollback from version {from} by {name}, {time}"
              values={{ from, name: by, time: <Time value={at} as="full" /> }}
            />
          </Text>
        ))}
      <Disclosure
        label={version === 1 ? t('Initial contents') : t('Changes from version {version}', { version: version - 1 })}
        testId="version-changes"
      >
        <DiffView from={version - 1} to={version} />
      </Disclosure>
    </div>
  );
}
