import { Button, Group, Stack, Text, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { type ReactNode, useId, useState } from 'react';
import { T } from '../text/T.tsx';
import { t } from '../text/text.ts';
import { announce } from './announce.tsx';
import { Dialog } from './Dialog.tsx';
import { DialogButton } from './DialogButton.tsx';
import { ProblemView } from './ProblemView.tsx';
import type { Needs } from './use-scopes.ts';

interface ConfirmButtonProps {
  /** Scopes without which it is not shown. */
  readonly needs: Needs;
  /** On the button, as title of the dialog, and on the button that confirms. */
  readonly label: string;
  /** Text of the dialog: it says what will happen. */
  readonly children: ReactNode;
  /** Text that is typed to confirm; absent: a click is enough. */
  readonly typed?: string;
  /** Whether what the dialog asks for is filled in. */
  readonly isFilled?: boolean;
  /** Resolves to what is said when it is done. */
  readonly act: () => Promise<string>;
  readonly leftSection?: ReactNode;
  readonly color?: string;
  readonly testId: string;
}

/** Button that acts after a dialog has said what will happen. */
export function ConfirmButton({ needs, label, leftSection, color, testId, ...dialog }: ConfirmButtonProps) {
  const [opened, setOpened] = useState(false);
  return (
    <>
      <DialogButton
        needs={needs}
        label={label}
        leftSection={leftSection}
        onOpen={() => setOpened(true)}
        testId={testId}
      />
      <Dialog opened={opened} onClose={() => setOpened(false)} title={label}>
        <Confirmation {...dialog} label={label} color={color} close={() => setOpened(false)} />
      </Dialog>
    </>
  );
}

type ConfirmationProps = Pick<ConfirmButtonProps, 'label' | 'children' | 'typed' | 'isFilled' | 'act'> & {
  readonly color: string | undefined;
  readonly close: () => void;
};

function Confirmation({ label, children, typed, isFilled = true, act, color, close }: ConfirmationProps) {
  const [text, setText] = useState('');
  const hint = useId();
  const action = useMutation({
    mutationFn: act,
    onSuccess: (done) => {
      announce(done);
      close();
    },
  });
  const isReady = isFilled && (typed === undefined || text.trim() === typed);
  const confirm = () => isReady && !action.isPending && action.mutate();
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        confirm();
      }}
    >
      <Stack gap="md" data-testid="confirmation">
        {typeof children === 'string' ? <Text size="sm">{children}</Text> : children}
        {typed !== undefined && (
          <TextInput
            label={
              <span className="break">
                <T text="Type {typed} to confirm" values={{ typed: <span className="name">{typed}</span> }} />
              </span>
            }
            value={text}
            onChange={(event) => setText(event.currentTarget.value)}
            autoComplete="off"
            data-testid="confirm-typed"
          />
        )}
        {action.error && <ProblemView problem={action.error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={close}>
            {t('Back')}
          </Button>
          <Button
            type="submit"
            {...(color !== undefined && { color })}
            aria-disabled={!isReady}
            aria-busy={action.isPending}
            aria-describedby={isReady ? undefined : hint}
            data-testid="confirm"
          >
            {label}
          </Button>
        </Group>
        {!isReady && (
          <Text id={hint} size="xs" c="dimmed" ta="right">
            {isFilled ? t('The text is not the same yet.') : t('Something is not filled in yet.')}
          </Text>
        )}
      </Stack>
    </form>
  );
}
