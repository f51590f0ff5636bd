import { UnstyledButton } from '@mantine/core';
import { type ReactNode, useId, useState } from 'react';
import { IconChevronRight } from './icons.tsx';

/** Expandable line. Its content is rendered only while it is expanded. */
export function Disclosure({ label, children, testId }: { label: ReactNode; children: ReactNode; testId?: string }) {
  const [opened, setOpened] = useState(false);
  const id = useId();
  return (
    <div className="disclosure">
      <UnstyledButton
        className="disclosure-button"
        aria-expanded={opened}
        aria-controls={id}
        onClick={() => setOpened(!opened)}
        {...(testId === undefined ? {} : { 'data-testid': testId })}
      >
        <IconChevronRight size={14} className="chevron" data-open={opened || undefined} />
        <span>{label}</span>
      </UnstyledButton>
      <div id={id} hidden={!opened} className="disclosure-panel">
        {opened && children}
      </div>
    </div>
  );
}
