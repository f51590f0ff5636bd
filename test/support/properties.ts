import fc from 'fast-check';

/** A property that fails is made smaller for as long as this, in seconds: its report names the seed, a timeout's does not. */
const seconds = Number(process.env.PROPERTY_SECONDS ?? 120);
const times = Number(process.env.PROPERTY_TIMES ?? 1);

fc.configureGlobal({ interruptAfterTimeLimit: seconds * 1000, markInterruptAsFailure: true });

/** How often a property is tried: as often as it says, or PROPERTY_TIMES as often, to hunt for what is rare. */
export function runs(usual: number): { readonly numRuns: number } {
  return { numRuns: Math.ceil(usual * times) };
}
