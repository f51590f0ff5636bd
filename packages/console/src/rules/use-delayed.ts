import { useEffect, useState } from 'react';

/** Returns a value as soon as it has not changed for some time (ms); the first one that is not undefined at once. */
export function useDelayed<T>(value: T | undefined, ms: number): T | undefined {
  const [delayed, setDelayed] = useState(value);
  useEffect(() => {
    if (delayed === undefined) setDelayed(value);
    const timer = setTimeout(() => setDelayed(value), ms);
    return () => clearTimeout(timer);
  }, [value, ms, delayed]);
  return delayed;
}
