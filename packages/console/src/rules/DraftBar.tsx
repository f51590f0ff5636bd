import { Group, Paper, Text } from '@mantine/core';
import { ConfirmButton } from '../shell/ConfirmButton.tsx';
import { IconUndo } from '../shell/page-icons.tsx';
import { T } from '../text/T.tsx';
import { t } from '../text/text.ts';
import { type Draft, discardDraft } from './draft.ts';
import { ReleaseDraft } from './ReleaseDraft.tsx';

/** Changes of the draft, and commands for it. Renders nothing without a change. */
export function DraftBar({ draft }: { draft: Draft }) {
  if (draft.changed.length === 0) return null;
  return (
    <Paper withBorder p="sm" className="draft-bar" data-testid="draft-bar">
      <Group justify="space-between" gap="sm">
        <Text size="sm" className="break">
          <T
            text={
              draft.base === draft.version
                ? 'Draft in this browser: {files} {count, plural, one {differs} other {differ}} from version {base}.'
                : 'Draft in this browser: {files} {count, plural, one {differs} other {differ}} from version {base}. Version {version} is active by now, so it cannot be released as it is.'
            }
            values={{
              files: <span className="name">{draft.changed.join(', ')}</span>,
              count: draft.changed.length,
              base: draft.base,
              version: draft.version,
            }}
          />
        </Text>
        <Group gap="xs">
          <ConfirmButton
            needs={null}
            label={t('Discard')}
            leftSection={<IconUndo size={14} />}
            act={async () => {
              discardDraft(draft);
              return t('The draft is discarded.');
            }}
            testId="draft-discard"
          >
            {t('The changes of the draft are lost. The active version stays as it is.')}
          </ConfirmButton>
          <ReleaseDraft draft={draft} />
        </Group>
      </Group>
    </Paper>
  );
}
