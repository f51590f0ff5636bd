import { useMemo } from 'react';
import { parsePage, printPage } from './message-page.ts';

interface MessageFrameProps {
  readonly html: string;
  readonly isDark: boolean;
  /** No two frames of a page have the same. */
  readonly title: string;
  /** Whether pictures are replaced by their alt texts, as where they are not loaded. */
  readonly isWithoutPictures?: boolean;
  /** Width of a phone; else that of its place. */
  readonly isNarrow?: boolean;
}

/** Untrusted HTML in a sandboxed frame: no scripts, no forms, no outbound links, and a different origin. */
export function MessageFrame({ html, isDark, title, isWithoutPictures = false, isNarrow = false }: MessageFrameProps) {
  const source = useMemo(() => printPage(parsePage(html, isWithoutPictures)), [html, isWithoutPictures]);
  return (
    <iframe
      className="message-frame"
      data-dark={isDark || undefined}
      data-narrow={isNarrow || undefined}
      data-testid="message-frame"
      title={title}
      sandbox=""
      srcDoc={source}
      referrerPolicy="no-referrer"
    />
  );
}
