import { useQueryClient } from '@tanstack/react-query';
import { ConfirmButton } from '../shell/ConfirmButton.tsx';
import { IconPause } from '../shell/icons.tsx';
import { IconPlay } from '../shell/page-icons.tsx';
import type { Needs } from '../shell/use-scopes.ts';
import { t } from '../text/text.ts';

/** Button that pauses a topic, or has it go on. */
export function PauseButton({
  needs,
  name,
  kind,
  isPaused,
  setPaused,
  children,
}: {
  readonly needs: Needs;
  readonly name: string;
  readonly kind: 'source' | 'sink';
  readonly isPaused: boolean;
  readonly setPaused: (name: string, isPaused: boolean) => Promise<unknown>;
  /** The consequence, in the question before it is done. */
  readonly children: string;
}) {
  const queries = useQueryClient();
  return (
    <ConfirmButton
      needs={needs}
      label={isPaused ? t('Resume') : t('Pause')}
      leftSection={isPaused ? <IconPlay size={14} /> : <IconPause size={14} />}
      act={async () => {
        await setPaused(name, !isPaused);
        await queries.invalidateQueries({ queryKey: [`${kind}s`] });
        if (!isPaused) return t('{name} is paused.', { name });
        return kind === 'source' ? t('{name} is read again.', { name }) : t('{name} is written again.', { name });
      }}
      testId={`pause-${kind}`}
    >
      {children}
    </ConfirmButton>
  );
}
