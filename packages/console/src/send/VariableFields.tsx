import { NativeSelect, TextInput } from '@mantine/core';
import type { TemplateVariable } from '@tidings/client/types';
import { JsonField } from '../shell/JsonField.tsx';
import { t } from '../text/text.ts';
import type { DraftFaults, MessageDraft } from './message-draft.ts';

interface VariableFieldsProps {
  readonly declared: { readonly [name: string]: TemplateVariable };
  readonly values: MessageDraft['variables'];
  readonly faults: DraftFaults;
  readonly onChange: (values: MessageDraft['variables']) => void;
}

/** A field for each variable that a type declares, as its kind of value is written. */
export function VariableFields({ declared, values, faults, onChange }: VariableFieldsProps) {
  return Object.entries(declared).map(([name, variable]) => (
    <VariableField
      key={name}
      name={name}
      variable={variable}
      value={values[name] ?? ''}
      fault={faults[`variables.${name}`]}
      onChange={(value) => onChange({ ...values, [name]: value })}
    />
  ));
}

interface VariableFieldProps {
  readonly name: string;
  readonly variable: TemplateVariable;
  readonly value: string;
  readonly fault: string | undefined;
  readonly onChange: (value: string) => void;
}

function VariableField({ name, variable, value, fault, onChange }: VariableFieldProps) {
  const { type, description, required, default: fallback } = variable;
  const shared = {
    label: name,
    description: [
      description,
      type ?? t('any value'),
      fallback !== undefined && t('{value} unless it is given', { value: JSON.stringify(fallback) }),
    ]
      .filter(Boolean)
      .join('; '),
    error: fault,
    value,
    // The server says what is missing: an asterisk here, and no rule of the browser.
    withAsterisk: required === true,
    'data-testid': `variable-${name}`,
  };
  if (type === 'boolean') {
    const data = [
      { value: '', label: t('not given') },
      { value: 'true', label: 'true' },
      { value: 'false', label: 'false' },
    ];
    return <NativeSelect {...shared} data={data} onChange={(event) => onChange(event.currentTarget.value)} />;
  }
  if (type === 'object' || type === 'list') return <JsonField {...shared} error={fault ?? ''} onChange={onChange} />;
  return (
    <TextInput
      {...shared}
      {...(type === 'number' && { inputMode: 'decimal' as const })}
      placeholder={type === 'date' ? '2026-12-01T09:00:00Z' : undefined}
      onChange={(event) => onChange(event.currentTarget.value)}
      autoComplete="off"
    />
  );
}
