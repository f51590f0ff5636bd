import fc from 'fast-check';
import { afterAll, inject, vi } from 'vitest';

declare module 'vitest' {
  export interface ProvidedContext {
    propertySeconds: number;
    propertySeed: number;
  }
}

const times = Number(process.env.PROPERTY_TIMES ?? 1);

// A failing property is shrunk until this limit: its report names the seed, while that of a test's timeout does not.
fc.configureGlobal({
  seed: inject('propertySeed'),
  interruptAfterTimeLimit: inject('propertySeconds') * 1000,
  markInterruptAsFailure: true,
});

// Files share their process: what the last test of one has set in the environment is not for the next file.
afterAll(() => {
  vi.unstubAllEnvs();
});

/** The number of runs of a property: as given, multiplied by PROPERTY_TIMES for a search for rare failures. */
export function runs(usual: number): { readonly numRuns: number } {
  return { numRuns: Math.ceil(usual * times) };
}
