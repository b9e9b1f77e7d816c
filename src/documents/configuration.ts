import type { TSchema } from 'typebox';
import { configSchema } from '../config-schema.ts';
import { code, paragraphs, table } from './markdown.ts';

/** `docs/configuration.md`: every variable of the environment, from the schema that reads it. */
export function configurationDocument(): string {
  const rows = Object.entries(configSchema.properties).map(([name, schema]) => {
    const variable: Variable = schema;
    return [code(name), typeOf(variable), defaultOf(variable), variable.description ?? ''];
  });
  return `${paragraphs(
    '# Configuration',
    '<!-- Written by `bin/roster docs` from src/config-schema.ts; changes here are overwritten. -->',
    'The service and `bin/roster` read these environment variables, once, when they start, and no others but those of AWS where `BACKUP_URL` leads to S3. A value that does not fit stops the start with a line that says why. An empty value counts as none.',
    table(['Variable', 'Type', 'Default', 'Meaning'], rows),
  )}\n`;
}

type Variable = TSchema & {
  readonly type?: string;
  readonly description?: string;
  readonly default?: string | number | boolean;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
};

function typeOf({ type, enum: values, minimum, maximum }: Variable): string {
  if (values !== undefined) return values.map(code).join(', ');
  if (type !== 'integer') return type === 'boolean' ? 'true or false' : 'text';
  if (minimum === undefined) return 'integer';
  return maximum === undefined ? `integer, from ${minimum}` : `integer, ${minimum} to ${maximum}`;
}

const defaultOf = ({ default: value }: Variable): string =>
  value === undefined || value === '' ? '' : code(String(value));
