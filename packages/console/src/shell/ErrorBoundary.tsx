import { Component, type ReactNode } from 'react';
import { Problem } from '../api/call.ts';
import { t } from '../text/text.ts';
import { ProblemView } from './ProblemView.tsx';

/** Shows a problem instead of a blank page if the console itself fails to render. */
export class ErrorBoundary extends Component<{ children: ReactNode }, { failed: boolean }> {
  override state = { failed: false };

  static getDerivedStateFromError(): { failed: boolean } {
    return { failed: true };
  }

  override render() {
    if (!this.state.failed) return this.props.children;
    const problem = new Problem(
      0,
      t('This page cannot be displayed'),
      t('The console failed to display this page. Stored data is not affected. Retry, or reload the page.'),
      'console',
    );
    return <ProblemView problem={problem} retry={() => this.setState({ failed: false })} />;
  }
}
