import { VARIABLE_TYPES, type Variable, type Variables } from '../../model/catalog.ts';
import type { Json } from '../../model/event.ts';
import { MAX_VARIABLES } from '../../templates/limits.ts';
import { RESERVED_NAMES } from '../../templates/values.ts';
import { explainWrongType } from '../../templates/variables.ts';
import { type Fields, parseDescription, parseEntries, parseFields, parseKeyword, parseText } from './fields.ts';
import { type Entry, toJson, type YamlFile } from './yaml.ts';

const EXAMPLE = 'variables: { amount: { type: number, required: true }, app_name: { default: Acme } }';
const KEYS = ['description', 'type', 'required', 'default'];

/** Parses the declarations `variables` of a notification type, or of the whole catalog; undefined without any. */
export function parseVariables(file: YamlFile, found: Fields): Variables | undefined {
  const entry = found.get('variables');
  if (entry === undefined) return undefined;
  const entries = parseEntries(file, entry.value, '"variables"', EXAMPLE);
  if (entries.length > MAX_VARIABLES) file.report(entry.at, `there are more than ${MAX_VARIABLES} variables`);
  const variables = entries.map((one) => [one.key, parseVariable(file, one)] as const);
  return variables.length === 0 ? undefined : Object.fromEntries(variables);
}

/** Parses `amount: { type: number, required: true }`, or `amount: number`. */
function parseVariable(file: YamlFile, { key, at, value }: Entry): Variable {
  if (!/^[A-Za-z_]\w{0,63}$/.test(key)) {
    const shown = JSON.stringify(key.slice(0, 60));
    file.report(at, `${shown} is not a valid name of a variable`, `use letters, digits and _: ${EXAMPLE}`);
  } else if (RESERVED_NAMES.has(key)) {
    file.report(at, `templates have another "${key}" already`, 'choose another name');
  }
  if (value.kind === 'text') {
    const type = parseKeyword(file, value, 'a type of a variable', VARIABLE_TYPES);
    return type === undefined ? {} : { type };
  }
  const what = JSON.stringify(key);
  const found = parseFields(file, value, what, KEYS, `${key}: { type: number, required: true }`);
  const typeEntry = found.get('type');
  const text = typeEntry && parseText(file, typeEntry.value, '"type"', 'type: number');
  const type = text && parseKeyword(file, text, 'a type of a variable', VARIABLE_TYPES);
  const isRequired = parseRequired(file, found);
  const standard = parseDefault(file, found, type, isRequired);
  return {
    ...parseDescription(file, found),
    ...(type === undefined ? {} : { type }),
    ...(isRequired ? { required: true } : {}),
    ...(standard === undefined ? {} : { default: standard }),
  };
}

function parseRequired(file: YamlFile, found: Fields): boolean {
  const entry = found.get('required');
  if (entry === undefined) return false;
  if (entry.value.kind === 'boolean') return entry.value.value;
  file.report(entry.value.at, '"required" must be true or false', 'required: true');
  return false;
}

function parseDefault(file: YamlFile, found: Fields, type: Variable['type'], isRequired: boolean): Json | undefined {
  const entry = found.get('default');
  if (entry === undefined) return undefined;
  const value = toJson(entry.value);
  if (value === null) {
    file.report(entry.value.at, '"default" is empty', 'leave it out, or write a value');
    return undefined;
  }
  if (isRequired)
    file.report(entry.at, 'a variable with a default is never missing', 'leave out "required" or "default"');
  const why = type && explainWrongType({ type }, value);
  if (why) file.report(entry.value.at, `"default" ${why}`);
  return value;
}
