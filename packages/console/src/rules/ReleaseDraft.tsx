import { Button, Group, Radio, Stack, Text, TextInput } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { applyDraft, checkDraft, runCases } from '../api/drafts.ts';
import { startRelease } from '../api/releases.ts';
import { DifferenceList } from '../catalog/DiffView.tsx';
import { StartsAtField, toStartsAt } from '../releases/StartsAtField.tsx';
import { useReleaseDone } from '../releases/use-release-done.ts';
import { announce } from '../shell/announce.tsx';
import { CopyButton } from '../shell/CopyButton.tsx';
import { Dialog } from '../shell/Dialog.tsx';
import { DialogButton } from '../shell/DialogButton.tsx';
import { IconSplit } from '../shell/icons.tsx';
import { ProblemView } from '../shell/ProblemView.tsx';
import { saveFile } from '../shell/save-file.ts';
import { T } from '../text/T.tsx';
import { t } from '../text/text.ts';
import { CASES_FILE } from './CasesTab.tsx';
import { type Draft, discardDraft } from './draft.ts';
import { ProblemList } from './ProblemList.tsx';
import { formatPatch } from './unified-diff.ts';

/** Share of the users that a release begins with. */
const SHARE = 10;

/** Button that reviews the draft, checks it, and then releases it; or makes a patch of it, where files come from elsewhere. */
export function ReleaseDraft({ draft }: { draft: Draft }) {
  const [opened, setOpened] = useState(false);
  const label = draft.source === 'api' ? t('Release…') : t('Make a patch…');
  return (
    <>
      <DialogButton
        needs="catalog:write"
        label={label}
        leftSection={<IconSplit size={14} />}
        onOpen={() => setOpened(true)}
        testId="draft-release"
      />
      <Dialog opened={opened} onClose={() => setOpened(false)} title={t('Release the draft')}>
        <Review draft={draft} close={() => setOpened(false)} />
      </Dialog>
    </>
  );
}

function Review({ draft, close }: { draft: Draft; close: () => void }) {
  const { files, changed, source } = draft;
  const check = useQuery({ queryKey: ['draft', 'check', files], queryFn: () => checkDraft(files), gcTime: 0 });
  const isOk = check.data?.ok ?? false;
  const hasCases = files[CASES_FILE] !== undefined;
  const cases = useQuery({
    queryKey: ['draft', 'cases', files],
    queryFn: () => runCases(files),
    enabled: isOk && hasCases,
    gcTime: 0,
    retry: false,
  });
  return (
    <Stack gap="md" data-testid="draft-review">
      {check.error && <ProblemView problem={check.error} retry={() => check.refetch()} />}
      {check.isPending && <Text size="sm">{t('Checking…')}</Text>}
      {check.data && (
        <>
          <section aria-label={t('Changes')}>
            <DifferenceList differences={check.data.differences} />
            <Patch draft={draft} />
          </section>
          <section aria-label={t('Checks')}>
            <Text size="sm" data-testid="review-check">
              {check.data.errors === 0
                ? t('✓ The checker finds no error, and {count, plural, one {# warning} other {# warnings}}.', {
                    count: check.data.warnings,
                  })
                : t('✗ {count, plural, one {# error} other {# errors}}.', { count: check.data.errors })}
            </Text>
            <ProblemList problems={check.data.problems} />
            {hasCases && isOk && (
              <Text size="sm" data-testid="review-cases">
                {cases.data === undefined
                  ? cases.error
                    ? t('✗ The cases cannot be read.')
                    : t('The cases run…')
                  : t('{passed, number} of {all, plural, one {# case passes} other {# cases pass}}.', {
                      passed: cases.data.passed,
                      all: cases.data.passed + cases.data.failed + cases.data.left_out,
                    })}
              </Text>
            )}
            {check.data.waiting.map(({ rule, waits, users }) => (
              <Text key={rule} size="sm">
                <T
                  text="{waits, plural, one {# pending wait} other {# pending waits}} of {users, plural, one {# user} other {# users}} in {rule} end by the version in which they began."
                  values={{ waits, users, rule: <span className="name">{rule}</span> }}
                />
              </Text>
            ))}
          </section>
          {source === 'api' ? (
            <ReleaseForm draft={draft} isReady={isOk} close={close} />
          ) : (
            <PatchForm draft={draft} changed={changed} close={close} />
          )}
        </>
      )}
    </Stack>
  );
}

const toPatch = ({ original, files, changed }: Draft): string =>
  changed.map((path) => formatPatch(path, original[path], files[path] ?? '')).join('');

function Patch({ draft }: { draft: Draft }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by the keyboard
    <section className="patch" tabIndex={0} aria-label={t('Changed lines')} data-testid="draft-patch">
      <pre>
        {toPatch(draft)
          .split('\n')
          .map((line, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: lines have no other identity
            <span key={index} data-sign={line[0]}>
              {line}
              {'\n'}
            </span>
          ))}
      </pre>
    </section>
  );
}

type Way = 'now' | 'at' | 'share';

function ReleaseForm({ draft, isReady, close }: { draft: Draft; isReady: boolean; close: () => void }) {
  const [way, setWay] = useState<Way>('share');
  const [startsAt, setStartsAt] = useState('');
  const [note, setNote] = useState('');
  const done = useReleaseDone();
  const action = useMutation({
    mutationFn: async () => {
      const { files, base } = draft;
      if (way === 'now') {
        const { version } = await applyDraft(files, base);
        return t('Version {version} is active for all users.', { version });
      }
      const { release } = await startRelease(
        {
          files,
          share: way === 'at' ? 100 : SHARE,
          ...(note.trim() !== '' && { note: note.trim() }),
          ...(way === 'at' && toStartsAt(startsAt)),
        },
        base,
      );
      if (way === 'at') return t('Version {version} is scheduled.', { version: release.to_version });
      return t('Version {version} decides about {share}% of the users, and is watched.', {
        version: release.to_version,
        share: SHARE,
      });
    },
    onSuccess: async (text) => {
      discardDraft(draft);
      announce(await done(text));
      close();
    },
  });
  const isOutdated = draft.base !== draft.version;
  const can = isReady && !isOutdated && (way !== 'at' || startsAt !== '');
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (can && !action.isPending) action.mutate();
      }}
    >
      <Stack gap="sm">
        <Radio.Group label={t('Release it')} value={way} onChange={(value) => setWay(value as Way)}>
          <Stack gap={6} mt={6}>
            <Radio
              value="share"
              label={t('to {share}% of the users, watched, with a rollback by itself', { share: SHARE })}
              data-testid="release-share"
            />
            <Radio value="at" label={t('to all users at a time')} data-testid="release-at" />
            <Radio value="now" label={t('to all users now')} data-testid="release-now" />
          </Stack>
        </Radio.Group>
        {way === 'at' && <StartsAtField value={startsAt} onChange={setStartsAt} />}
        {way !== 'now' && (
          <TextInput
            label={t('Note')}
            description={t('What it is for')}
            value={note}
            onChange={(event) => setNote(event.currentTarget.value)}
            maxLength={500}
            autoComplete="off"
          />
        )}
        {action.error && <ProblemView problem={action.error} />}
        {isOutdated && (
          <Text size="sm">
            {t('Another version became active meanwhile. Discard the draft, and make its changes again.')}
          </Text>
        )}
        <Group justify="flex-end">
          <Button variant="default" onClick={close}>
            {t('Back')}
          </Button>
          <Button type="submit" aria-disabled={!can} aria-busy={action.isPending} data-testid="release-confirm">
            {t('Release')}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

/** The draft as a patch, with a message for its commit: its files are not made here. */
function PatchForm({ draft, changed, close }: { draft: Draft; changed: readonly string[]; close: () => void }) {
  const [message, setMessage] = useState(`Change ${changed.join(', ')}`);
  return (
    <Stack gap="sm">
      <Text size="sm" data-testid="patch-reason">
        {draft.source === 'directory'
          ? t(
              'The files of this catalog come from its directory. Apply the patch there, in the folder of the catalog: git apply catalog.patch',
            )
          : t('This tenant follows the catalog of another one. Apply the patch where that is made.')}
      </Text>
      <TextInput
        label={t('Message of the commit')}
        value={message}
        onChange={(event) => setMessage(event.currentTarget.value)}
        autoComplete="off"
        data-testid="commit-message"
      />
      <Group justify="flex-end" gap="sm">
        <Button variant="default" onClick={close}>
          {t('Back')}
        </Button>
        <CopyButton
          label={t('Copy the message')}
          getText={() => message}
          said={t('The message is copied.')}
          testId="copy-message"
        />
        <Button
          onClick={() => saveFile('catalog.patch', `${message}\n\n${toPatch(draft)}`, 'text/x-patch')}
          data-testid="patch-download"
        >
          {t('Download the patch')}
        </Button>
      </Group>
    </Stack>
  );
}
