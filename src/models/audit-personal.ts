import { randomBytes } from 'node:crypto';
import { model, type Types } from 'mongoose';
import { commitmentOf } from '../lib/audit-hash.ts';
import type { Keyring } from '../lib/keyring.ts';
import { openJson, seal } from './sensitive.ts';

/** Too many to try them all for one event after another. */
const SALT_BYTES = 16;

/** What an event tells about a person besides ids: all of it can be taken away without breaking a seal. */
export interface PersonalValues {
  readonly ip?: string | undefined;
  readonly userAgent?: string | undefined;
  readonly note?: string | undefined;
}

/** How they are stored. */
export interface Concealed {
  readonly personal?: string;
  readonly commitment?: string;
}

/** By its name: its module is made with this one. */
const auditEvents = () => model('AuditEvent');

const given = (values: PersonalValues): PersonalValues =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));

/**
 * Encrypts personal values for the event of that id, with a commitment to them.
 * @throws when there are any and no keyring: whoever calls it has forgotten one, and nothing is written in clear
 */
export function conceal(keyring: Keyring | undefined, id: Types.ObjectId, all: PersonalValues): Concealed {
  const values = given(all);
  if (Object.keys(values).length === 0) return {};
  if (!keyring) throw new Error('an audit event with personal values needs a keyring');
  const salt = randomBytes(SALT_BYTES).toString('base64url');
  return {
    ...seal(keyring, auditEvents(), id, { personal: { ...values, salt } }),
    commitment: commitmentOf(values, salt),
  };
}

interface StoredEvent {
  readonly _id: Types.ObjectId;
  readonly personal?: string | null | undefined;
  readonly commitment?: string | null | undefined;
}

/**
 * The personal values of an event, none where they have been erased, and whether they are those it was written with.
 * @throws DecryptionError when they do not open
 */
export function reveal(keyring: Keyring, event: StoredEvent): { values: PersonalValues; genuine: boolean } {
  if (event.personal == null) return { values: {}, genuine: true };
  const opened = openJson(keyring, auditEvents(), event, 'personal');
  const { salt, ...values } = opened as PersonalValues & { readonly salt: string };
  return { values, genuine: event.commitment === commitmentOf(values, salt) };
}
