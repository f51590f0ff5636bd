import { useMutation } from '@tanstack/react-query';
import type { Suppression } from '@tidings/client/types';
import { exportSuppressions } from '../api/suppressions.ts';
import { ActionButton } from '../shell/ActionButton.tsx';
import { announce } from '../shell/announce.tsx';
import { saveFile } from '../shell/save-file.ts';
import { t } from '../text/text.ts';

/** Button that saves the suppressions of a reason, or all, as a file with a line of JSON each. */
export function ExportButton({ reason }: { reason: Suppression['reason'] | null }) {
  const save = useMutation({
    mutationFn: () => exportSuppressions(reason),
    onSuccess: (text) => saveFile('suppressions.ndjson', text, 'application/x-ndjson'),
    onError: (error) => announce(t('It could not be exported: {problem}.', { problem: error.message })),
  });
  return (
    <ActionButton
      needs="suppressions:read"
      action="export"
      busy={save.isPending}
      onClick={() => save.mutate()}
      data-testid="export-suppressions"
    >
      {t('Export')}
    </ActionButton>
  );
}
