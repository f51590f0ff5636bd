import { Component, type ReactNode } from 'react';
import { Problem } from '../api.ts';
import { ProblemView } from './ProblemView.tsx';

/** A fault in the console itself shows as a problem, not as a blank page. */
export class ErrorBoundary extends Component<{ children: ReactNode }, { failed: boolean }> {
  override state = { failed: false };

  static getDerivedStateFromError(): { failed: boolean } {
    return { failed: true };
  }

  override render() {
    if (!this.state.failed) return this.props.children;
    const problem = new Problem(
      0,
      'This page cannot be drawn',
      'A fault in the console, not in what is stored.',
      'console',
    );
    return <ProblemView problem={problem} retry={() => this.setState({ failed: false })} />;
  }
}
