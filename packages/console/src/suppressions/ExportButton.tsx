import { useMutation } from '@tanstack/react-query';
import type { Suppression } from '@tidings/client/types';
import { exportSuppressions } from '../api/suppressions.ts';
import { ActionButton } from '../shell/ActionButton.tsx';
import { announce } from '../shell/announce.tsx';

/** Button that saves the suppressions of a reason, or all, as a file with a line of JSON each. */
export function ExportButton({ reason }: { reason: Suppression['reason'] | null }) {
  const save = useMutation({
    mutationFn: () => exportSuppressions(reason),
    onSuccess: (text) => {
      const url = URL.createObjectURL(new Blob([text], { type: 'application/x-ndjson' }));
      Object.assign(document.createElement('a'), { href: url, download: 'suppressions.ndjson' }).click();
      URL.revokeObjectURL(url);
    },
    onError: (error) => announce(`It could not be exported: ${error.message}.`),
  });
  return (
    <ActionButton action="export" busy={save.isPending} onClick={() => save.mutate()} data-testid="export-suppressions">
      Export
    </ActionButton>
  );
}
