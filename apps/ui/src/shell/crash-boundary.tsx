import { Component, type ReactNode } from 'react';
import { EmptyPanel } from './states.js';

/** The last resort for a mistake of ours: says so and offers to load the page again. React needs a class here. */
export class CrashBoundary extends Component<
  { readonly children: ReactNode },
  { readonly error: Error | undefined }
> {
  override state: { readonly error: Error | undefined } = { error: undefined };

  static getDerivedStateFromError(error: Error) {
    return { error };
  }

  override render(): ReactNode {
    if (!this.state.error) {
      return this.props.children;
    }
    return (
      <EmptyPanel icon="alert" title="This page broke" text={this.state.error.message}>
        <button type="button" className="pc-plain-button" onClick={() => window.location.reload()}>
          Load it again
        </button>
      </EmptyPanel>
    );
  }
}
