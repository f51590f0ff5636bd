import { NumberInput, Stack, Text, TextInput } from '@mantine/core';
import type { Release } from '@tidings/client/types';
import { useState } from 'react';
import { finishRelease, raiseShare, rollBackRelease } from '../api/releases.ts';
import { ConfirmButton } from '../shell/ConfirmButton.tsx';
import { IconArrowUp, IconBan, IconChecks } from '../shell/icons.tsx';
import { IconUndo } from '../shell/page-icons.tsx';
import { t } from '../text/text.ts';
import { describeDecider } from './release-look.ts';
import { useReleaseDone } from './use-release-done.ts';

interface ReleaseProps {
  readonly release: Release;
}

/** Button that releases to a larger share. */
export function RaiseShareButton({ release: { release_id: id, share, to_version: version } }: ReleaseProps) {
  const [typed, setTyped] = useState<string | number>(Math.min(100, share * 2));
  const wanted = Number(typed);
  const done = useReleaseDone();
  return (
    <ConfirmButton
      needs="catalog:write"
      label={t('Raise share')}
      leftSection={<IconArrowUp size={14} />}
      isFilled={typed !== '' && wanted > share && wanted <= 100}
      act={async () => done(describeDecider(version, (await raiseShare(id, wanted)).share))}
      testId="release-share"
    >
      <Stack gap="sm">
        <Text size="sm">{t('Users of the present share stay in it; it never becomes smaller.')}</Text>
        <NumberInput
          label={t('Percentage of the users')}
          description={t('More than {share}, at most 100', { share })}
          value={typed}
          onChange={setTyped}
          max={100}
          decimalScale={2}
          suffix="%"
          hideControls
          data-testid="share-field"
        />
      </Stack>
    </ConfirmButton>
  );
}

/** Button that makes the version of a release the active one. */
export function FinishButton({ release: { release_id: id, to_version: version } }: ReleaseProps) {
  const [reason, setReason] = useState('');
  const done = useReleaseDone();
  return (
    <ConfirmButton
      needs="catalog:write"
      label={t('Finish')}
      leftSection={<IconChecks size={14} />}
      act={async () => {
        await finishRelease(id, reason);
        return done(t('Version {version} is the active one of all users.', { version }));
      }}
      testId="release-finish"
    >
      <Stack gap="sm">
        <Text size="sm">
          {t('Version {version} becomes the active one, and decides about all users.', { version })}
        </Text>
        <ReasonField value={reason} onChange={setReason} />
      </Stack>
    </ConfirmButton>
  );
}

/** Button that takes the version of a release back. */
export function RollBackReleaseButton({ release }: ReleaseProps) {
  const { release_id: id, from_version: before } = release;
  const [reason, setReason] = useState('');
  const done = useReleaseDone();
  return (
    <ConfirmButton
      needs="catalog:write"
      label={t('Roll back')}
      leftSection={<IconUndo size={14} />}
      color="red"
      act={async () => {
        await rollBackRelease(id, reason);
        return done(t('Version {version} decides about all users again.', { version: before }));
      }}
      testId="release-rollback"
    >
      <Stack gap="sm">
        <Text size="sm">
          {t(
            'Version {before} decides about all users again. Messages that were sent stay sent, and waits that version {version} has begun end by it.',
            { before, version: release.to_version },
          )}
        </Text>
        <ReasonField value={reason} onChange={setReason} />
      </Stack>
    </ConfirmButton>
  );
}

/** Button that cancels a release that has not begun. */
export function CancelReleaseButton({ release: { release_id: id } }: ReleaseProps) {
  const [reason, setReason] = useState('');
  const done = useReleaseDone();
  return (
    <ConfirmButton
      needs="catalog:write"
      label={t('Cancel')}
      leftSection={<IconBan size={14} />}
      act={async () => {
        const { state } = await rollBackRelease(id, reason);
        // It may have begun meanwhile.
        return done(
          state === 'cancelled' ? t('The release is cancelled.') : t('The release had begun, and is rolled back.'),
        );
      }}
      testId="release-cancel"
    >
      <ReasonField value={reason} onChange={setReason} />
    </ConfirmButton>
  );
}

function ReasonField({ value, onChange }: { value: string; onChange: (text: string) => void }) {
  return (
    <TextInput
      label={t('Reason')}
      description={t('For the history of the release and the audit log')}
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
      maxLength={500}
      autoComplete="off"
      data-testid="release-reason"
    />
  );
}
