import { Button, Group, Stack, Text } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { rollBackCatalog } from '../api/catalog.ts';
import { announce } from '../shell/announce.tsx';
import { Dialog } from '../shell/Dialog.tsx';
import { DialogButton } from '../shell/DialogButton.tsx';
import { ProblemView } from '../shell/ProblemView.tsx';
import { IconUndo } from '../shell/page-icons.tsx';
import { t } from '../text/text.ts';
import { DiffView } from './DiffView.tsx';

/** Button that activates an earlier version, or a later one that was rolled back, after a dialog that shows the differences. */
export function RollBackButton({ version, active }: { version: number; active: number }) {
  const [asking, setAsking] = useState(false);
  const queries = useQueryClient();
  const rollBack = useMutation({
    mutationFn: () => rollBackCatalog(version),
    onSuccess: () => {
      setAsking(false);
      announce(t('Version {version} is active instead of version {active}.', { version, active }));
      return queries.invalidateQueries({ queryKey: ['catalog'] });
    },
  });
  const isEarlier = version < active;
  const close = () => {
    setAsking(false);
    rollBack.reset();
  };
  return (
    <>
      <DialogButton
        needs="catalog:write"
        label={isEarlier ? t('Roll back') : t('Make active')}
        leftSection={<IconUndo size={14} />}
        onOpen={() => setAsking(true)}
        testId="rollback-button"
      />
      <Dialog
        opened={asking}
        onClose={close}
        title={
          isEarlier
            ? t('Roll back to version {version}?', { version })
            : t('Make version {version} active?', { version })
        }
        size="xl"
      >
        <Stack gap="md" data-testid="rollback">
          <Text size="sm">
            {t(
              'Version {version} replaces version {active} for new events. Pending waits end under the version they started with.',
              { version, active },
            )}
          </Text>
          <DiffView from={active} to={version} />
          {rollBack.error && <ProblemView problem={rollBack.error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={close}>
              {t('Cancel')}
            </Button>
            <Button loading={rollBack.isPending} onClick={() => rollBack.mutate()} data-testid="rollback-confirm">
              {isEarlier
                ? t('Roll back to version {version}', { version })
                : t('Make version {version} active', { version })}
            </Button>
          </Group>
        </Stack>
      </Dialog>
    </>
  );
}
