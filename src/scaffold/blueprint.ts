import type { Field } from './field.ts';
import type { Known } from './tree.ts';
import { type Names, snake, words } from './words.ts';

export const OWNERS = ['user', 'team', 'none'] as const;
/** Whom documents belong to: an account, a team, or nobody. */
export type Owner = (typeof OWNERS)[number];

/** A field that holds the id of something else. */
export interface Reference {
  readonly field: Field;
  readonly onDelete: string;
  readonly target: Known;
  /** What `include` calls it; absent where what it refers to has no view for readers. */
  readonly include?: string;
}

/** A many-to-many relation, with the names of its junction. */
export interface Link {
  readonly target: Known & { readonly resource: NonNullable<Known['resource']> };
  /** `tags`: what `include` and the URL call it. */
  readonly name: string;
  /** `invoiceId` and `tagId` */
  readonly from: string;
  readonly to: string;
  /** `InvoiceTag`, `invoice_tags`, `invoice-tag` */
  readonly model: string;
  readonly collection: string;
  readonly file: string;
}

/** A collection that can be written as it stands here: all was checked. */
export interface Blueprint {
  readonly names: Names;
  readonly owner: Owner;
  readonly fields: readonly Field[];
  readonly references: readonly Reference[];
  readonly links: readonly Link[];
  /** Three digits. */
  readonly migration: string;
}

export interface Index {
  readonly name: string;
  readonly key: Readonly<Record<string, 1>>;
  readonly unique?: true;
  /** The path that a document must have to be in it. */
  readonly only?: string;
  /** What it serves, where its name does not tell. */
  readonly serves?: string;
}

/** The path that says whom a document belongs to. */
export const OWNER_PATHS = { user: 'userId', team: 'teamId', none: undefined } as const;

/** The indexes of the collection besides those of `addLifeIndexes`, each of a name of its own. */
export function indexesOf({ names, owner, fields, references }: Blueprint): Index[] {
  const path = OWNER_PATHS[owner];
  const scope: Record<string, 1> = path === undefined ? {} : { [path]: 1 };
  const index = (key: Record<string, 1>, more: Omit<Index, 'name' | 'key'> = {}): Index => {
    const paths = Object.keys(key).filter((each) => each !== '_id');
    return { name: ['idx', names.collection, ...paths.map(snake)].join('_'), key, ...more };
  };
  const all = [
    ...(path === undefined ? [] : [index({ [path]: 1, _id: 1 })]),
    ...fields.flatMap(({ name, unique, filter, sort, optional }) => {
      if (unique)
        return [
          index(
            { ...scope, [name]: 1 },
            { unique: true, ...(optional && { only: name }), serves: servesOf(names, owner, name, sort) },
          ),
        ];
      return filter || sort ? [index({ ...scope, [name]: 1, _id: 1 })] : [];
    }),
    ...references.map(({ field: { name } }) => index({ [name]: 1, _id: 1 })),
  ];
  return all.filter(({ name }, n) => all.findIndex((other) => other.name === name) === n);
}

const OF_EACH = { user: ' for each owner', team: ' for each team', none: '' } as const;

const servesOf = ({ one }: Names, owner: Owner, field: string, sort: boolean): string =>
  `One ${one} of a ${words(field)}${OF_EACH[owner]}${sort ? `; lists by ${words(field)}` : ''}.`;

/** The name of the constant with the values of an enum. */
export const valuesConstant = ({ constant }: Names, field: string): string =>
  `${constant}_${snake(field).toUpperCase()}_VALUES`;

/** The greatest lengths of its texts; none where it has no text. */
export const limitsOf = ({ fields }: Pick<Blueprint, 'fields'>): [name: string, maxLength: number][] =>
  fields.flatMap(({ name, type }) =>
    type.name === 'string' || type.name === 'text' ? [[name, type.maxLength] as [string, number]] : [],
  );

/** A URL of the collection below `/v1`, as OpenAPI writes parameters. */
export const pathOf = ({ names, owner }: Pick<Blueprint, 'names' | 'owner'>): string =>
  owner === 'team' ? `/teams/:teamId/${names.url}` : `/${names.url}`;
