import { Group, Paper, Text } from '@mantine/core';
import { ConfirmButton } from '../shell/ConfirmButton.tsx';
import { IconUndo } from '../shell/icons.tsx';
import { useScopes } from '../shell/use-scopes.ts';
import { type Draft, discardDraft } from './draft.ts';
import { ReleaseDraft } from './ReleaseDraft.tsx';

/** Changes of the draft, and commands for it. Renders nothing without a change. */
export function DraftBar({ draft }: { draft: Draft }) {
  const can = useScopes();
  if (draft.changed.length === 0) return null;
  const isOutdated = draft.base !== draft.version;
  return (
    <Paper withBorder p="sm" className="draft-bar" data-testid="draft-bar">
      <Group justify="space-between" gap="sm">
        <Text size="sm" className="break">
          Draft in this browser: <span className="name">{draft.changed.join(', ')}</span>{' '}
          {draft.changed.length === 1 ? 'differs' : 'differ'} from version {draft.base}
          {isOutdated && `; version ${draft.version} is active by now, so it cannot be released as it is`}.
        </Text>
        <Group gap="xs">
          <ConfirmButton
            label="Discard"
            leftSection={<IconUndo size={14} />}
            act={async () => {
              discardDraft();
              return 'The draft is discarded.';
            }}
            testId="draft-discard"
          >
            The changes of the draft are lost. What is active stays as it is.
          </ConfirmButton>
          {can('catalog:write') && <ReleaseDraft draft={draft} />}
        </Group>
      </Group>
    </Paper>
  );
}
