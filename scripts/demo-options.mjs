/** Options of npm run demo. In JavaScript, with modules of Node.js alone: a wrong one is found before anything is installed. */
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

export const USAGE = `npm run demo [-- OPTIONS]

Three companies, weeks of traffic, and a Tidings that goes on from there. Nothing leaves this machine.

  --fresh        begin again; by default what an earlier start made goes on
  --weeks N      weeks of the past, 0.25 to 12 (default: 4); makes it again if there are others
  --seed N       another past (default: 7); makes it again if there is another
  --rate N       events a minute from now on; 0: none (default: 6)
  --port PORT    the port of the console (default: 8000)
  --folder DIR   where it keeps everything (default: .tidings-demo)
  --until TIME   where the past ends (default: now)
  --once         stop when everything is ready
  --json         print one line of JSON when ready
  --help         print this`;

/** Reads the arguments. @throws Error with what is wrong */
export function readOptions(args, root) {
  const { values } = parseArgs({
    args: [...args],
    options: {
      fresh: { type: 'boolean', default: false },
      weeks: { type: 'string', default: '4' },
      seed: { type: 'string', default: '7' },
      rate: { type: 'string', default: '6' },
      port: { type: 'string', default: process.env.PORT || '8000' },
      folder: { type: 'string', default: join(root, '.tidings-demo') },
      until: { type: 'string' },
      once: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return 'help';
  const until = values.until === undefined ? Date.now() : Date.parse(values.until);
  if (Number.isNaN(until))
    throw new Error(`--until is "${values.until}"; it must be a time such as 2026-06-19T18:00:00Z`);
  return {
    ...values,
    until,
    folder: resolve(values.folder),
    weeks: readNumber('--weeks', values.weeks, 0.25, 12, false),
    seed: readNumber('--seed', values.seed, 0, 1_000_000_000),
    rate: readNumber('--rate', values.rate, 0, 600),
    port: readNumber('--port', values.port, 1, 65_535),
  };
}

function readNumber(name, text, least, most, isWhole = true) {
  const number = Number(text);
  if (
    text.trim() !== '' &&
    (isWhole ? Number.isInteger(number) : Number.isFinite(number)) &&
    number >= least &&
    number <= most
  )
    return number;
  throw new Error(`${name} is "${text}"; it must be a ${isWhole ? 'whole ' : ''}number from ${least} to ${most}`);
}
