import {
  type Blueprint,
  type Index,
  indexesOf,
  type Link,
  limitsOf,
  OWNER_PATHS,
  valuesConstant,
} from './blueprint.ts';
import type { Field } from './field.ts';
import { capital, withArticle } from './words.ts';

const OF_WHOM = { user: ' of an account', team: ' of a team', none: '' } as const;

/** One of them, in words. */
export const sentenceOf = ({ names: { one }, owner }: Pick<Blueprint, 'names' | 'owner'>): string =>
  `${capital(withArticle(one))}${OF_WHOM[owner]}.`;

const OWNER_FIELDS = {
  user: ["userId: { type: Schema.Types.ObjectId, ref: 'User', onDelete: 'cascade', required: true },"],
  team: ["teamId: { type: Schema.Types.ObjectId, ref: 'Team', onDelete: 'cascade', required: true },"],
  none: [],
} as const;

/** `src/models/<name>.ts`: the fields as they are stored, and the indexes. */
export function modelText(blueprint: Blueprint): string {
  const { names, owner, fields } = blueprint;
  const { singular, model, constant, collection } = names;
  const limits = limitsOf(blueprint);
  return `import { type InferSchemaType, model, Schema, type Types } from 'mongoose';
import { addLifeIndexes, LIFE_FIELDS } from './life.ts';

${enumsText(blueprint)}
${limits.length === 0 ? '' : `export const ${constant}_LIMITS = Object.freeze({ ${limits.map(([name, most]) => `${name}: ${grouped(most)}`).join(', ')} });\n`}
/** ${sentenceOf(blueprint)} */
const ${singular}Schema = new Schema(
  {
    ...LIFE_FIELDS,
    ${[...OWNER_FIELDS[owner], ...fields.map((field) => pathText(blueprint, field))].join('\n')}
  },
  { collection: '${collection}', versionKey: false },
);

${indexesOf(blueprint)
  .map((index) => indexText(singular, index))
  .join('\n')}
addLifeIndexes(${singular}Schema, '${collection}');

export const ${model} = model('${model}', ${singular}Schema);

export type ${model}Record = InferSchemaType<typeof ${singular}Schema> & { _id: Types.ObjectId };
`;
}

/** `10000` → `10_000` */
const grouped = (number: number): string => String(number).replaceAll(/\B(?=(?:\d{3})+$)/g, '_');

const enumsText = ({ names, fields }: Blueprint): string =>
  fields
    .flatMap(({ name, type }) =>
      type.name === 'enum'
        ? [
            `export const ${valuesConstant(names, name)} = [${type.values.map((value) => `'${value}'`).join(', ')}] as const;`,
          ]
        : [],
    )
    .join('\n');

const STORED = {
  string: 'String',
  text: 'String',
  integer: 'Number',
  number: 'Number',
  boolean: 'Boolean',
  date: 'Date',
  decimal: 'Schema.Types.Decimal128',
  enum: 'String',
  reference: 'Schema.Types.ObjectId',
} as const;

function pathText({ names, references }: Blueprint, { name, type, optional }: Field): string {
  const reference = references.find(({ field }) => field.name === name);
  const options = [
    `type: ${STORED[type.name]}`,
    ...(type.name === 'enum' ? [`enum: ${valuesConstant(names, name)}`] : []),
    ...(reference ? [`ref: '${reference.target.model}'`, `onDelete: '${reference.onDelete}'`] : []),
    ...(optional ? [] : ['required: true']),
    ...(type.name === 'string' || type.name === 'text' ? [`maxlength: ${names.constant}_LIMITS.${name}`] : []),
    ...(type.name === 'integer'
      ? ["validate: { validator: Number.isInteger, message: 'must be a whole number' }"]
      : []),
  ];
  return `${name}: { ${options.join(', ')} },`;
}

export const keyText = (key: Index['key']): string =>
  `{ ${Object.keys(key)
    .map((path) => `${path}: 1`)
    .join(', ')} }`;

/** What an index has besides its key, as models and migrations spell it. */
export const indexOptions = ({ name, unique, only }: Index): string =>
  [
    `name: '${name}'`,
    ...(unique ? ['unique: true'] : []),
    ...(only === undefined ? [] : [`partialFilterExpression: { ${only}: { $exists: true } }`]),
  ].join(', ');

const indexText = (singular: string, index: Index): string =>
  `${singular}Schema.index(${keyText(index.key)}, { ${indexOptions(index)} });`;

/** The indexes of a junction: from either end, and one link for two documents. */
export const junctionIndexes = ({ collection, from, to }: Link): Index[] => {
  const name = (...paths: string[]) =>
    ['idx', collection, ...paths.map((path) => path.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`))].join(
      '_',
    );
  return [
    { name: name(from, to), key: { [from]: 1, [to]: 1 }, unique: true },
    { name: name(to, from), key: { [to]: 1, [from]: 1 } },
  ];
};

/** `src/models/<name>-<other>.ts`: which are linked to which. */
export function junctionText({ names }: Blueprint, link: Link): string {
  const { target, from, to, model, collection } = link;
  const constant = `${model.charAt(0).toLowerCase()}${model.slice(1)}`;
  const end = (path: string, ref: string) =>
    `${path}: { type: Schema.Types.ObjectId, ref: '${ref}', onDelete: 'cascade', required: true },`;
  return `import { model, Schema } from 'mongoose';

/** That ${withArticle(names.one)} is linked to one of its ${link.name}. */
const ${constant}Schema = new Schema(
  {
    ${end(from, names.model)}
    ${end(to, target.model)}
    createdAt: { type: Date, required: true },
  },
  { collection: '${collection}', versionKey: false },
);

${junctionIndexes(link)
  .map((index) => indexText(constant, index))
  .join('\n')}

export const ${model} = model('${model}', ${constant}Schema);
`;
}

/** The path that says whom it belongs to, if any. */
export const ownerPath = ({ owner }: Pick<Blueprint, 'owner'>): string | undefined => OWNER_PATHS[owner];
