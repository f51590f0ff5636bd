import fc from 'fast-check';

/** A property that fails is made smaller for as long as this, in seconds: its report names the seed, a timeout's does not. */
const seconds = Number(process.env.PROPERTY_SECONDS ?? 60);

fc.configureGlobal({ interruptAfterTimeLimit: seconds * 1000, markInterruptAsFailure: true });
