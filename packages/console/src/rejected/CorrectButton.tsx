import { Button, Group, JsonInput, Stack, Text } from '@mantine/core';
import type { JsonObject, RejectedEvent } from '@tidings/client/types';
import { useState } from 'react';
import { Dialog } from '../shell/Dialog.tsx';
import { DialogButton } from '../shell/DialogButton.tsx';
import { IconWand } from '../shell/icons.tsx';
import { parseObject } from '../shell/parse-object.ts';
import { t } from '../text/text.ts';
import { suggestPatch } from './RejectedGroups.tsx';

interface CorrectButtonProps {
  readonly rejected: RejectedEvent;
  readonly onCorrect: (patch: JsonObject) => void;
}

/**
 * Button that asks for the correction of an event, as a merge patch: the event as shown has its addresses masked, so it
 * cannot be sent back.
 */
export function CorrectButton({ rejected, onCorrect }: CorrectButtonProps) {
  const [opened, setOpened] = useState(false);
  const [text, setText] = useState(() => JSON.stringify(suggestPatch(rejected.path), null, 2));
  const [isWrong, setWrong] = useState(false);
  const submit = () => {
    const patch = parseObject(text);
    setWrong(patch === null);
    if (patch === null) return;
    setOpened(false);
    onCorrect(patch);
  };
  return (
    <>
      <DialogButton
        needs="rejected:write"
        label={t('Correct')}
        leftSection={<IconWand size={14} />}
        onOpen={() => setOpened(true)}
        testId="rejected-correct"
      />
      <Dialog opened={opened} onClose={() => setOpened(false)} title={t('Correct the event')} size="lg">
        <Stack gap="md" data-testid="correct-dialog">
          <Text size="sm" lang="en">
            {rejected.message}
          </Text>
          <JsonInput
            label={t('Correction: a JSON merge patch')}
            description={t('Fields replace those of the event; null removes a field.')}
            value={text}
            onChange={setText}
            error={isWrong && t('This is not a JSON object.')}
            autosize
            minRows={3}
            data-autofocus
            data-testid="correct-patch"
          />
          <Group justify="flex-end">
            <Button variant="default" onClick={() => setOpened(false)}>
              {t('Back')}
            </Button>
            <Button onClick={submit} data-testid="correct-confirm">
              {t('Ingest again')}
            </Button>
          </Group>
        </Stack>
      </Dialog>
    </>
  );
}
