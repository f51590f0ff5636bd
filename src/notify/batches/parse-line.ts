import { isUtf8 } from 'node:buffer';
import { findNearest } from '../../lib/text/did-you-mean.ts';
import { parseExactJson } from '../../lib/text/exact-json.ts';
import { isStorable } from '../../lib/text/storable.ts';
import type { Variables } from '../../model/catalog.ts';
import type { AddressKind, JsonObject } from '../../model/event.ts';
import { documentRow, openDocument, sealDocument } from '../../privacy/documents.ts';
import { toNormalAddress } from '../../privacy/normal-address.ts';
import { readAddress } from '../../privacy/read-address.ts';
import type { Seal } from '../../privacy/seal.ts';
import type { NewLine } from '../../store/batches/recipients.ts';
import { checkVariables } from '../../templates/variables.ts';
import type { GivenAddress } from '../resolve-recipients.ts';

/** Bytes of a line, at most. */
export const MAX_LINE_BYTES = 64 * 1024;

const FIELDS = ['user_id', 'email', 'phone', 'variables'];
const MAX_CHARS = { user_id: 256, email: 320, phone: 64 } as const;

/** The batch of a line. */
export interface LineContext {
  readonly tenantId: string;
  readonly batchId: string;
  readonly seal: Seal;
  /** Variables of the batch, which those of a line stand before. */
  readonly variables: JsonObject;
  /** Variables that the notification type declares. */
  readonly planned: Variables | undefined;
}

/** Sealed part of a line. */
export interface SealedLine {
  readonly email?: string;
  readonly phone?: string;
  readonly variables?: JsonObject;
}

const EMPTY: NewLine = { state: 'empty', userId: null, addressHash: null, sealed: null, code: null, reason: null };

/**
 * Reads a line of a batch: a user or an address, with variables of its own or not. One that cannot be asked for is rejected
 * with the reason, which names no address; each line is stored. Never throws.
 * @param bytes undefined: the line is longer than MAX_LINE_BYTES
 */
export function parseLine(context: LineContext, line: number, bytes: Buffer | undefined): NewLine {
  if (bytes === undefined) return reject('line_too_long', `has more than ${MAX_LINE_BYTES / 1024} KiB`);
  if (!isUtf8(bytes)) return reject('invalid_json', 'is not UTF-8');
  const text = bytes.toString('utf8').trim();
  if (text === '') return EMPTY;
  let value: unknown;
  try {
    value = parseExactJson(text);
  } catch {
    return reject('invalid_json', 'is no JSON; write an object such as {"user_id":"u1"} on each line');
  }
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? readObject(context, line, value as JsonObject)
    : reject('invalid_line', 'is no object; write one such as {"user_id":"u1"}');
}

function readObject(context: LineContext, line: number, value: JsonObject): NewLine {
  const unknown = Object.keys(value).find((name) => !FIELDS.includes(name));
  if (unknown !== undefined) {
    const near = findNearest(unknown, FIELDS);
    const right = near === undefined ? `it may have ${FIELDS.join(', ')}` : `did you mean ${near}?`;
    return reject('invalid_line', `has a field that is not known; ${right}`);
  }
  const { variables } = value;
  const named = (['user_id', 'email', 'phone'] as const).filter((name) => value[name] !== undefined);
  const [name] = named;
  if (name === undefined || named.length > 1) {
    return reject('invalid_line', 'names no recipient, or several; write one of user_id, email and phone');
  }
  const given = value[name];
  if (typeof given !== 'string' || given === '' || given.length > MAX_CHARS[name] || !isStorable(given)) {
    return reject('invalid_line', `has a ${name} that is no text of 1 to ${MAX_CHARS[name]} characters`);
  }
  if (variables !== undefined && (typeof variables !== 'object' || variables === null || Array.isArray(variables))) {
    return reject('invalid_line', 'has variables that are no object');
  }
  if (variables !== undefined && !isStorable(variables)) {
    return reject('invalid_line', 'has variables that are nested too deeply, or a character that cannot be stored');
  }
  const checked = checkVariables(
    { variables: context.planned ?? {} },
    { ...context.variables, ...(variables as JsonObject | undefined) },
  );
  if ('problems' in checked) {
    const [first] = checked.problems;
    return reject(first?.code ?? 'variable_invalid', checked.problems.map(({ message }) => message).join('; '));
  }
  return toLine(context, line, { name, given, variables: variables as JsonObject | undefined });
}

interface Given {
  readonly name: 'user_id' | AddressKind;
  readonly given: string;
  readonly variables: JsonObject | undefined;
}

function toLine({ tenantId, batchId, seal }: LineContext, line: number, { name, given, variables }: Given): NewLine {
  const isUser = name === 'user_id';
  const read = isUser ? { address: given } : readAddress(name, given.trim());
  if ('problem' in read) return reject('invalid_recipient', `${name} ${read.problem}`);
  const { address } = read;
  const content: SealedLine = { ...(!isUser && { [name]: address }), ...(variables && { variables }) };
  const row = documentRow('batch_recipients', tenantId, batchId, `${line}`);
  return {
    state: 'pending',
    userId: isUser ? given : null,
    addressHash: isUser ? null : seal.hash(toNormalAddress(name, address)),
    sealed: Object.keys(content).length === 0 ? null : sealDocument(seal, JSON.stringify(content), row),
    code: null,
    reason: null,
  };
}

function reject(code: string, reason: string): NewLine {
  return { ...EMPTY, state: 'rejected', code, reason };
}

/** Opens what a line has sealed. Undefined: no key of the process opens it. */
export function openLine(
  seal: Seal,
  tenantId: string,
  batchId: string,
  { line, sealed }: { readonly line: number; readonly sealed: Buffer | null },
): SealedLine | undefined {
  if (sealed === null) return {};
  return openDocument(seal, sealed, documentRow('batch_recipients', tenantId, batchId, `${line}`)) as
    | SealedLine
    | undefined;
}

/** Returns the address of a line; undefined: it names a user. */
export function getGivenAddress({ email, phone }: SealedLine): GivenAddress | undefined {
  if (email !== undefined) return { kind: 'email', address: email };
  return phone === undefined ? undefined : { kind: 'phone', address: phone };
}
