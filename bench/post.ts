import { type Child, startChild } from './child.ts';
import type { GeneratorOrder, GeneratorResult } from './generator.ts';

/** Posts from another process; what it measured. Throws if anything but 202 was answered. */
export async function post(order: GeneratorOrder, begin: () => void = () => {}): Promise<GeneratorResult> {
  const generator: Child<GeneratorResult> = await startChild('generator.ts', order);
  try {
    begin();
    const result = await generator.go();
    if (Object.keys(result.failed).length > 0) {
      throw new Error(`requests failed, by status: ${JSON.stringify(result.failed)}`);
    }
    return result;
  } finally {
    await generator.stop();
  }
}
