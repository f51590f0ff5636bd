import { Paper, Text, UnstyledButton } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import { type ReactNode, useId, useState } from 'react';
import { IconChevronRight } from '../shell/icons.tsx';

interface SideSectionProps {
  title: string;
  /** Short text beside the title while the section is collapsed. */
  note?: string | undefined;
  testId: string;
  /** Whether it is open at first; default: it is not. */
  isOpen?: boolean;
  children: ReactNode;
}

/** Card beside the timeline. On a narrow screen, a collapsible section above the timeline. */
export function SideSection({ title, note, testId, isOpen = false, children }: SideSectionProps) {
  const above = useMediaQuery('(max-width: 960px)', undefined, { getInitialValueInEffect: false });
  const [opened, setOpened] = useState(isOpen);
  const id = useId();
  const shown = !above || opened;
  return (
    <Paper withBorder component="section" className="side-section" aria-label={title} data-testid={testId}>
      <h2 className="side-title">
        {above ? (
          <UnstyledButton aria-expanded={opened} aria-controls={id} onClick={() => setOpened(!opened)}>
            <span>{title}</span>
            {note !== undefined && (
              <Text component="span" size="sm" c="dimmed">
                {note}
              </Text>
            )}
            <IconChevronRight size={16} className="chevron" data-open={opened || undefined} />
          </UnstyledButton>
        ) : (
          title
        )}
      </h2>
      <div id={id} hidden={!shown}>
        {shown && children}
      </div>
    </Paper>
  );
}
