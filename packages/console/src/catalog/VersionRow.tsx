import { Badge, Group, Text } from '@mantine/core';
import { formatCount } from '../../../../src/lib/text/format-count.ts';
import type { CatalogVersion } from '../api/types.ts';
import { StartRelease } from '../releases/StartRelease.tsx';
import { Disclosure } from '../shell/Disclosure.tsx';
import { Time } from '../shell/Time.tsx';
import { t } from '../text/text.ts';
import { DiffView } from './DiffView.tsx';
import { RollBackButton } from './RollBackButton.tsx';

/** Catalog version with its changes. `active`: number of the active version. */
export function VersionRow({ version: row, active }: { version: CatalogVersion; active: number }) {
  const { version, applied_at: appliedAt, applied_by: appliedBy, rules, notifications } = row;
  return (
    <div className="version" data-row data-testid="version" data-version={version}>
      <Group gap="sm" justify="space-between">
        <Group gap="sm">
          <Text fw={650}>Version {version}</Text>
          {row.active && (
            <Badge radius="sm" tt="none" variant="default">
              {t('active')}
            </Badge>
          )}
          <Text size="sm" c="dimmed" className="break">
            applied <Time value={appliedAt} as="full" /> by {appliedBy} · {formatCount(rules, 'rule')},{' '}
            {formatCount(notifications, t('notification type'))}
          </Text>
        </Group>
        {!row.active && (
          <Group gap="xs">
            <StartRelease version={version} />
            <RollBackButton version={version} active={active} />
          </Group>
        )}
      </Group>
      {row.activations
        .filter(({ kind }) => kind === 'rolled_back')
        .map(({ at, by, from }) => (
          <Text key={at} size="sm" className="break" data-testid="rollback-note">
            Rollback from version {from} by {by}, <Time value={at} as="full" />
          </Text>
        ))}
      <Disclosure
        label={version === 1 ? t('Initial contents') : `Changes from version ${version - 1}`}
        testId="version-changes"
      >
        <DiffView from={version - 1} to={version} />
      </Disclosure>
    </div>
  );
}
