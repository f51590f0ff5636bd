/**
 * Returns the value of an environment variable without the space and the quotes around it: `docker run --env-file` leaves the
 * quotes of its file.
 */
export function unquote(value: string | undefined): string | undefined {
  const text = value?.trim();
  return /^(["'])((?:(?!\1).)*)\1$/s.exec(text ?? '')?.[2]?.trim() ?? text;
}
