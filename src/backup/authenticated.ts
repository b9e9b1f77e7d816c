import { timingSafeEqual } from 'node:crypto';
import type { Static, TSchema } from 'typebox';
import { Value } from 'typebox/value';
import { BackupDamagedError, BackupError, BackupKeyError } from './errors.ts';
import { type BackupKey, type BackupKeys, keyOf } from './keys.ts';

/** What every such file says of itself. */
interface Said {
  readonly format: string;
  readonly id: string;
  readonly encryption: { readonly algorithm: string; readonly keyId: string; readonly check: string } | null;
}

interface Kind<S extends TSchema> {
  /** A closed object, with what is in `Said`. */
  readonly schema: S;
  readonly format: string;
  /** Of the key: no other kind of file can be put in its place. */
  readonly purpose: string;
  /** For messages: all that the file stands for, and the file itself. */
  readonly whole: (id: string) => string;
  readonly file: (id: string) => string;
}

/** A file in clear that tells names and numbers only, and that with a key nobody else could have written. */
export class AuthenticatedFile<S extends TSchema> {
  readonly #kind: Kind<S>;

  constructor(kind: Kind<S>) {
    this.#kind = kind;
  }

  /** The text of the file. */
  write(value: Static<S> & Said, key: BackupKey | undefined): string {
    const { schema, file } = this.#kind;
    const isReadable: boolean = Value.Check(schema, value);
    if (!isReadable) throw new BackupError(`${file(value.id)} could not be read again.`);
    const mac = key && { mac: this.#macOf(value, key).toString('base64url') };
    return `${JSON.stringify({ ...value, ...mac }, null, 1)}\n`;
  }

  /**
   * Reads what `write` wrote for that id.
   * @throws {BackupKeyError} when its key is not among `keys`, or when it has none though there are keys
   * @throws {BackupDamagedError} when it is not what was written
   */
  open(text: string, id: string, keys: BackupKeys | undefined): Static<S> & Said {
    const { whole, file } = this.#kind;
    const { mac, value } = this.#parse(text, id);
    if (value.id !== id) throw new BackupDamagedError(`${file(id)} is that of another one.`);
    if (value.encryption === null) {
      // Whoever can write there could have put it in the place of one that nobody else can make.
      if (keys)
        throw new BackupKeyError(
          `${whole(id)} is in clear: nothing tells who made it. To read it all the same, leave BACKUP_KEYS out.`,
        );
      return value;
    }
    const own = this.#macOf(value, keyOf(keys, { id, whole: whole(id), encryption: value.encryption }));
    const given = Buffer.from(mac ?? '', 'base64url');
    if (own.length !== given.length || !timingSafeEqual(own, given))
      throw new BackupDamagedError(`${file(id)} was altered.`);
    return value;
  }

  /** The same without its key: for lists and rotation, which believe it no more than its name and its numbers. */
  peek(text: string, id: string): Static<S> & Said {
    return this.#parse(text, id).value;
  }

  #parse(text: string, id: string): { mac: string | undefined; value: Static<S> & Said } {
    const { schema, format, whole, file } = this.#kind;
    let parsed: unknown;
    try {
      parsed = JSON.parse(text);
    } catch {
      throw new BackupDamagedError(`${file(id)} is damaged.`);
    }
    const { mac, ...value } = (parsed ?? {}) as Record<string, unknown>;
    if (typeof value['format'] === 'string' && value['format'] !== format)
      throw new BackupError(`${whole(id)} has the format ${value['format']}, which this version does not read.`);
    if (!Value.Check(schema, value)) throw new BackupDamagedError(`${file(id)} is damaged.`);
    return { mac: typeof mac === 'string' ? mac : undefined, value: value as Static<S> & Said };
  }

  /** JSON keeps the order of its keys, so what was read is written as it was. */
  #macOf(value: unknown, key: BackupKey): Buffer {
    return key.derive(this.#kind.purpose, JSON.stringify(value));
  }
}
