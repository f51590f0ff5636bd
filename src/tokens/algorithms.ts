/**
 * Algorithms that a token may be signed by: those with a private and a public key. `none` and the HS family, whose key would be
 * one that the verifier has as well, are never accepted.
 */
export const TOKEN_ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
] as const;

/** Algorithms of an issuer that names no others. */
export const DEFAULT_ALGORITHMS: readonly string[] = ['RS256', 'ES256', 'EdDSA'];
