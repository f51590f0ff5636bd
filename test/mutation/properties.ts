import fc from 'fast-check';

// The same cases for each mutant, and the first that fails is enough.
fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: 1, endOnFailure: true });
