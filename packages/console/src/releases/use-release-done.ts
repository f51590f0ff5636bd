import { useQueryClient } from '@tanstack/react-query';

/** Returns a function that lets releases and versions be asked for again, and returns what is said. */
export function useReleaseDone(): (text: string) => Promise<string> {
  const queries = useQueryClient();
  return async (text) => {
    await Promise.all(['releases', 'catalog'].map((key) => queries.invalidateQueries({ queryKey: [key] })));
    return text;
  };
}
