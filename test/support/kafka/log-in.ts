import { openMember } from '../../../src/kafka/client.ts';
import { describeKafkaError } from '../../../src/kafka/errors.ts';
import { parseKafkaSettings } from '../../../src/kafka/parse-settings.ts';

/*
 * Connects to brokers, once with each of the environments that are its argument (JSON). Prints why the brokers cannot be used, or
 * null, for each (JSON). A program of its own, since the client needs another Node.js than the tests have.
 */

const environments = JSON.parse(process.argv[2] ?? '[]') as { readonly [name: string]: string }[];

async function tryOnce(environment: { readonly [name: string]: string }): Promise<string | null> {
  const settings = parseKafkaSettings(environment);
  if (!settings) throw new Error('brokers are missing');
  const member = await openMember(settings, () => {});
  try {
    await member.findTopics(['none']);
    return null;
  } catch (error) {
    return describeKafkaError(error);
  } finally {
    await member.close();
  }
}

console.log(JSON.stringify(await Promise.all(environments.map(tryOnce))));
process.exit();
