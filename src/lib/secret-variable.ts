import { readFileSync } from 'node:fs';

/** A secret of the environment, or why it cannot be read. The sentence has the names of variables and no values. */
export type SecretVariable = { readonly value: string | undefined } | { readonly fault: string };

/** Reads the value of a variable, or the content of the file that the variable with `_FILE` names. */
export function readSecretVariable(env: { readonly [name: string]: string | undefined }, name: string): SecretVariable {
  const [value, file] = [env[name], env[`${name}_FILE`]];
  if (value && file) return { fault: `${name} and ${name}_FILE are both set; set only one of them` };
  if (!file) return { value: value || undefined };
  try {
    return { value: readFileSync(file, 'utf8').replace(/\r?\n$/, '') || undefined };
  } catch (error) {
    return { fault: `${name}_FILE names a file that cannot be read (${(error as NodeJS.ErrnoException).code})` };
  }
}
