/**
 * Fields that a copy of the database must not tell. One is marked where its model declares it, with when it is opened:
 *
 *     secret: { type: String, sensitive: 'At each delivery.' }
 *
 * All else follows from the mark. Values are sealed and opened here alone, by the keyring, each bound to its collection,
 * document and path; the database refuses whatever is no ciphertext, by whatever way it is written (the validator of the
 * collection has its pattern); keys rotate over it; `docs/security.md` lists it. What keeps a secret in another way, or
 * is called like one and is none, says how it is kept: `hash: { type: String, kept: 'SHA-256 …' }`.
 *
 * No query finds a ciphertext. What is to be found by its whole text says where a keyed hash of it stands beside it:
 *
 *     phone: { type: String, sensitive: 'When somebody is called.', foundBy: { path: 'phoneHash', form: spelling } }
 */
import { Schema, type SchemaType } from 'mongoose';
import { DecryptionError, type FieldContext, type Keyring, placeOf } from '../lib/keyring.ts';

/** What sealing needs of a model. */
interface SealedModel {
  readonly schema: { path(path: string): { readonly options: object } | undefined };
  readonly collection: { readonly collectionName: string };
}

type Id = Parameters<typeof placeOf>[1];

type Mark = 'sensitive' | 'kept';

/** Where the hash stands that a sealed text is found by, and the form in which all that are to be found by it are alike. */
interface Finder {
  readonly path: string;
  readonly form: (text: string) => string;
}

/** The marked paths of a schema, with dots where they are nested, each with what its mark says. */
export function markedPaths(schema: Schema, mark: Mark, prefix = ''): Readonly<Record<string, string>> {
  const marked = Object.entries(schema.paths).flatMap(([name, type]): (readonly [string, string])[] => {
    const { schema: nested, options } = type as SchemaType & { schema?: Schema };
    const path = prefix + name;
    const within = nested ? Object.entries(markedPaths(nested, mark, `${path}.`)) : [];
    return options[mark] === undefined ? within : [[path, String(options[mark])], ...within];
  });
  return Object.fromEntries(marked);
}

const isInList = (schema: Schema, path: string): boolean =>
  path.split('.').some((_, n, names) => schema.path(names.slice(0, n).join('.')) instanceof Schema.Types.Array);

/**
 * The sensitive paths of a schema, each with when it is opened.
 * @throws Error for one whose ciphertext would have no place of its own
 */
export function sensitivePaths(schema: Schema): Readonly<Record<string, string>> {
  const paths = markedPaths(schema, 'sensitive');
  const wrong = Object.keys(paths).filter((path) => schema.path(path)?.instance !== 'String' || isInList(schema, path));
  if (wrong.length > 0) throw new Error(`${wrong.join(', ')}: what is sensitive is one text, and in no array`);
  return paths;
}

const finderOf = ({ schema }: SealedModel, path: string): Finder | undefined =>
  (schema.path(path)?.options as { readonly foundBy?: Finder } | undefined)?.foundBy;

/** A capital letter: where texts are kept lower-cased instead, a search for how they begin meets no hash. */
const HASH_MARK = 'H';

const purposeOf = ({ collection }: SealedModel, path: string): string => `search/${collection.collectionName}.${path}`;

const markedHash = (mac: Buffer): string => HASH_MARK + mac.toString('base64url');

/**
 * What to set beside a sealed value so that it is found: one hash by its path, or nothing where it is not to be found.
 * Seals and hashes of one value are always by the same key, so that they rotate together.
 */
export function hashBeside(keyring: Keyring, model: SealedModel, path: string, value: string): Record<string, string> {
  const finder = finderOf(model, path);
  if (!finder) return {};
  return { [finder.path]: markedHash(keyring.mac(purposeOf(model, path), finder.form(value))) };
}

/** The hashes that a text may have, under each key of the ring: what is stored with an older one is found too. */
export function hashesOf(keyring: Keyring, model: SealedModel, path: string, text: string): string[] {
  const finder = finderOf(model, path);
  if (!finder) throw new Error(`${model.collection.collectionName}.${path} is not marked to be found`);
  return keyring.macs(purposeOf(model, path), finder.form(text)).map(markedHash);
}

/** @throws Error for a path that is not marked: keys would rotate past it, and the database would take it in clear */
function placeIn({ schema, collection }: SealedModel, id: Id, path: string): FieldContext {
  const { collectionName } = collection;
  if (!('sensitive' in (schema.path(path)?.options ?? {})))
    throw new Error(`${collectionName}.${path} is not marked as sensitive`);
  return placeOf(collectionName, id, path);
}

/** Texts and bytes are sealed as they are, everything else as JSON. */
const bytesOf = (value: string | object): string | Uint8Array =>
  typeof value === 'string' || value instanceof Uint8Array ? value : JSON.stringify(value);

/** Sensitive values of the document of that id, by their paths, as they are stored, with the hashes that find them. */
export const seal = <V extends Readonly<Record<string, string | object>>>(
  keyring: Keyring,
  model: SealedModel,
  id: Id,
  values: V,
): { [P in keyof V]: string } =>
  Object.assign(
    {},
    ...Object.entries(values).map(([path, value]) => ({
      [path]: keyring.encrypt(bytesOf(value), placeIn(model, id, path)),
      ...(typeof value === 'string' && hashBeside(keyring, model, path, value)),
    })),
  );

/** A document as it was read, of which at least the id and that path are there. */
type Holding<P extends string> = { readonly _id: Id } & { readonly [K in P]?: string | null | undefined };

/** A sensitive value of a stored document. @throws DecryptionError when it does not open, or is not there */
export function openBytes<P extends string>(
  keyring: Keyring,
  model: SealedModel,
  document: Holding<P>,
  path: P,
): Buffer {
  const place = placeIn(model, document._id, path);
  const sealed = document[path];
  if (sealed == null) throw new DecryptionError(`There is nothing in ${place.collection}.${path}`);
  return keyring.decrypt(sealed, place);
}

type Opening<P extends string> = Parameters<typeof openBytes<P>>;

/** The same for what was sealed as text. */
export const openText = <P extends string>(...args: Opening<P>): string => openBytes(...args).toString();

/** The same for what was sealed as JSON. */
export const openJson = <P extends string>(...args: Opening<P>): unknown => JSON.parse(openText(...args));
