import fc from 'fast-check';
import { inject } from 'vitest';

declare module 'vitest' {
  export interface ProvidedContext {
    propertySeconds: number;
  }
}

const times = Number(process.env.PROPERTY_TIMES ?? 1);

// A property that fails is made smaller until then: its report names the seed, that of a test's timeout does not.
fc.configureGlobal({ interruptAfterTimeLimit: inject('propertySeconds') * 1000, markInterruptAsFailure: true });

/** How often a property is tried: as often as it says, or PROPERTY_TIMES as often, to hunt for what is rare. */
export function runs(usual: number): { readonly numRuns: number } {
  return { numRuns: Math.ceil(usual * times) };
}
