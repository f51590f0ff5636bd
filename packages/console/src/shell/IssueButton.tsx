import { Button, Code, CopyButton, Group, Stack, Text } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { t } from '../text/text.ts';
import { Dialog } from './Dialog.tsx';
import { DialogButton } from './DialogButton.tsx';
import { IconCheck } from './icons.tsx';
import { ProblemView } from './ProblemView.tsx';
import { IconCopy } from './page-icons.tsx';
import type { Needs } from './use-scopes.ts';

interface IssueButtonProps {
  /** Scopes without which it is not shown. */
  readonly needs: Needs;
  /** Name of what is made. */
  readonly what: 'key' | 'secret' | 'link';
  /** First part of the keys of the queries that change by it. */
  readonly changes: string;
  readonly label: string;
  readonly leftSection: ReactNode;
  readonly testId: string;
  readonly isFilled: boolean;
  /** Resolves to the text of what was made. */
  readonly issue: () => Promise<string>;
  readonly children: ReactNode;
}

/** Button that makes a key or a secret after a dialog, and shows its text once. */
export function IssueButton({
  needs,
  what,
  changes,
  label,
  leftSection,
  testId,
  isFilled,
  issue,
  children,
}: IssueButtonProps) {
  const [opened, setOpened] = useState(false);
  const queries = useQueryClient();
  const action = useMutation({
    mutationFn: issue,
    // The text is kept nowhere.
    gcTime: 0,
    onSuccess: () => queries.invalidateQueries({ queryKey: [changes] }),
  });
  const close = () => {
    setOpened(false);
    action.reset();
  };
  return (
    <>
      <DialogButton
        needs={needs}
        label={label}
        leftSection={leftSection}
        onOpen={() => setOpened(true)}
        testId={testId}
      />
      <Dialog opened={opened} onClose={close} title={label}>
        {action.data === undefined ? (
          <form
            onSubmit={(event) => {
              event.preventDefault();
              if (isFilled && !action.isPending) action.mutate();
            }}
          >
            <Stack gap="md">
              {children}
              {action.error && <ProblemView problem={action.error} />}
              <Group justify="flex-end">
                <Button variant="default" onClick={close}>
                  {t('Back')}
                </Button>
                <Button type="submit" aria-disabled={!isFilled} aria-busy={action.isPending} data-testid="issue">
                  {label}
                </Button>
              </Group>
            </Stack>
          </form>
        ) : (
          <Shown what={what} text={action.data} close={close} />
        )}
      </Dialog>
    </>
  );
}

function Shown({ what, text, close }: Pick<IssueButtonProps, 'what'> & { text: string; close: () => void }) {
  return (
    <Stack gap="md" data-testid="issued">
      <Text size="sm">
        {what === 'link'
          ? t('This is the link. It is shown only now: give it to the one that it is for.')
          : t(
              'This is the {what, select, key {key} other {secret}}. It is shown only now: copy it to where your service keeps its secrets.',
              { what },
            )}
      </Text>
      <Code block className="break" data-testid="issued-text">
        {text}
      </Code>
      <Group justify="flex-end">
        <CopyButton value={text}>
          {({ copied, copy }) => (
            <Button
              variant="light"
              leftSection={copied ? <IconCheck size={14} /> : <IconCopy size={14} />}
              onClick={copy}
              autoFocus
            >
              {copied ? t('Copied') : t('Copy')}
            </Button>
          )}
        </CopyButton>
        <Button onClick={close} data-testid="issued-done">
          {t('Done')}
        </Button>
      </Group>
    </Stack>
  );
}
