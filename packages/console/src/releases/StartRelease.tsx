import { Checkbox, NativeSelect, NumberInput, Stack, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { getCatalogVersions } from '../api/catalog.ts';
import { startRelease } from '../api/releases.ts';
import { DiffView } from '../catalog/DiffView.tsx';
import { ConfirmButton } from '../shell/ConfirmButton.tsx';
import { IconSplit } from '../shell/icons.tsx';
import { t } from '../text/text.ts';
import { describeDecider } from './release-look.ts';
import { StartsAtField, toStartsAt } from './StartsAtField.tsx';
import { useReleaseDone } from './use-release-done.ts';

const USUAL_SHARE = 10;

/** Button that lets a stored version decide about a share of the users. @param version the one to begin with; absent: none is chosen */
export function StartRelease({ version: given }: { version?: number }) {
  const [version, setVersion] = useState(given ?? 0);
  const [share, setShare] = useState<string | number>(USUAL_SHARE);
  const [startsAt, setStartsAt] = useState('');
  const [finishAfter, setFinishAfter] = useState('');
  const [note, setNote] = useState('');
  const [isWatched, setWatched] = useState(true);
  const done = useReleaseDone();
  const list = useQuery({ queryKey: ['catalog', 'versions'], queryFn: getCatalogVersions });
  const versions = list.data?.versions ?? [];
  const active = versions.find((one) => one.active)?.version;
  const act = async () => {
    const { release } = await startRelease({
      version,
      share: Number(share),
      ...(note.trim() === '' ? {} : { note: note.trim() }),
      ...(finishAfter.trim() === '' ? {} : { finish_after: finishAfter.trim() }),
      ...(isWatched ? {} : { watch: null }),
      ...toStartsAt(startsAt),
    });
    if (startsAt !== '') return done(t('Version {version} is scheduled.', { version }));
    return done(describeDecider(version, release.share));
  };
  return (
    <ConfirmButton
      needs="catalog:write"
      label={given === undefined ? t('Start a release') : t('Release')}
      leftSection={<IconSplit size={14} />}
      isFilled={version > 0 && share !== '' && Number(share) > 0}
      act={act}
      testId="release-start"
    >
      <Stack gap="sm">
        {given === undefined && (
          <NativeSelect
            label={t('Version')}
            value={String(version)}
            onChange={(event) => setVersion(Number(event.currentTarget.value))}
            data={[
              { value: '0', label: t('Choose a version') },
              ...versions
                .filter((one) => !one.active)
                .map((one) => ({
                  value: String(one.version),
                  label: t('Version {version}', { version: one.version }),
                })),
            ]}
            data-testid="release-version"
          />
        )}
        <NumberInput
          label={t('Percentage of the users')}
          value={share}
          onChange={setShare}
          min={0}
          max={100}
          decimalScale={2}
          suffix="%"
          hideControls
          data-testid="share-field"
        />
        <StartsAtField value={startsAt} onChange={setStartsAt} />
        <TextInput
          label={t('Finish by itself after')}
          description={t('Such as 12h or 2d; empty: by command')}
          value={finishAfter}
          onChange={(event) => setFinishAfter(event.currentTarget.value)}
          autoComplete="off"
        />
        <TextInput
          label={t('Note')}
          description={t('What it is for')}
          value={note}
          onChange={(event) => setNote(event.currentTarget.value)}
          maxLength={500}
          autoComplete="off"
        />
        <Checkbox
          label={t(
            'Roll back by itself if failures, complaints, unsubscribes or the volume are beyond their usual bounds',
          )}
          checked={isWatched}
          onChange={(event) => setWatched(event.currentTarget.checked)}
        />
        {active !== undefined && version > 0 && <DiffView from={active} to={version} />}
      </Stack>
    </ConfirmButton>
  );
}
