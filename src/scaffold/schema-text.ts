import { type Blueprint, limitsOf, valuesConstant } from './blueprint.ts';
import type { Field } from './field.ts';
import { sentenceOf } from './model-text.ts';
import { exampleOf, objectLiteral } from './samples.ts';
import { words } from './words.ts';

/** `src/schemas/<name>.ts`: the same on the wire. */
export function schemaText(blueprint: Blueprint): string {
  const { names, owner, fields } = blueprint;
  const constants = [
    ...fields.flatMap(({ name, type }) => (type.name === 'enum' ? [valuesConstant(names, name)] : [])),
    ...(limitsOf(blueprint).length > 0 ? [`${names.constant}_LIMITS`] : []),
  ];
  const members = [
    ...(owner === 'team' ? ["teamId: idOf('The team.', { readOnly: true }),"] : []),
    ...fields.map((field) => memberText(blueprint, field)),
  ];
  const ids = owner === 'team' || fields.some(({ type }) => type.name === 'reference');
  const types = fields.some(({ type, optional }) => type.name !== 'reference' || optional);
  return `${types ? "import { Type } from 'typebox';\n" : ''}${constants.length > 0 ? `import { ${constants.join(', ')} } from '../models/${names.file}.ts';\n` : ''}${ids ? "import { idOf } from './common.ts';\n" : ''}import { wireSchemas } from './resource.ts';

export const ${names.singular} = wireSchemas('${names.model}', {
  description: '${sentenceOf(blueprint)}',
  fields: {
    ${members.join('\n')}
  },
  example: ${objectLiteral(exampleOf(blueprint))},
});
`;
}

/** What a field is, until somebody says it better. */
export const descriptionOf = ({ name }: Pick<Field, 'name'>): string => `The ${words(name).replace(/ id$/, '')}.`;

function memberText(blueprint: Blueprint, field: Field): string {
  const text = wireText(blueprint, field);
  return `${field.name}: ${field.optional ? `Type.Optional(${text})` : text},`;
}

/** Up to 15 digits before the point and 4 after it. */
const DECIMAL = String.raw`'^-?\\d{1,15}(\\.\\d{1,4})?$'`;

function wireText({ names }: Blueprint, field: Field): string {
  const { name, type } = field;
  const description = `description: '${descriptionOf(field)}'`;
  switch (type.name) {
    case 'string':
    case 'text':
      return `Type.String({ minLength: 1, maxLength: ${names.constant}_LIMITS.${name}, ${description} })`;
    case 'integer':
      return `Type.Integer({ ${description} })`;
    case 'number':
      return `Type.Number({ ${description} })`;
    case 'boolean':
      return `Type.Boolean({ ${description} })`;
    case 'date':
      return `Type.String({ format: 'date-time', ${description} })`;
    case 'decimal':
      return `Type.String({ pattern: ${DECIMAL}, ${description.replace(/\.'$/, ", as decimal text.'")} })`;
    case 'enum':
      return `Type.Enum([...${valuesConstant(names, name)}], { ${description} })`;
    case 'reference':
      return `idOf('${descriptionOf(field)}')`;
  }
}
