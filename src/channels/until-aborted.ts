/** Returns the result of the work, or `otherwise` if the signal is aborted first. The work goes on: others may wait for it. */
export async function untilAborted<T, Otherwise>(
  work: Promise<T>,
  signal: AbortSignal,
  otherwise: Otherwise,
): Promise<T | Otherwise> {
  if (signal.aborted) return otherwise;
  let stop = () => {};
  const aborted = new Promise<Otherwise>((resolve) => {
    stop = () => resolve(otherwise);
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
