import type { Types } from 'mongoose';
import type { Keyring } from '../lib/keyring.ts';
import { keyOfRefreshToken } from '../lib/refresh-token.ts';
import { Session, type SessionRecord } from './session.ts';

const PAGE = 1_000;

type Minted = Pick<SessionRecord, '_id' | 'rotation' | 'seed' | 'refreshTokenHash' | 'expiresAt' | 'idleExpiresAt'>;

/** The live sessions whose refresh token was made under one key. */
export interface SessionsOfKey {
  readonly count: number;
  /** When the last of them has ended, or has a token of the writing key. */
  readonly until: Date;
}

/** Live sessions by the id of the key that their refresh token was made under: a key that is dropped ends those. */
export async function countSessionsByKey(keyring: Keyring): Promise<ReadonlyMap<string, SessionsOfKey>> {
  const counts = new Map<string, SessionsOfKey>();
  const now = new Date();
  let last: Types.ObjectId | undefined;
  do {
    const page = await Session.find(last ? { _id: { $gt: last } } : {})
      .select('rotation seed refreshTokenHash expiresAt idleExpiresAt')
      .sort({ _id: 1 })
      .limit(PAGE)
      .hint({ _id: 1 })
      .lean<Minted[]>();
    for (const session of page) {
      const until = session.idleExpiresAt < session.expiresAt ? session.idleExpiresAt : session.expiresAt;
      const keyId = until > now ? keyOf(session, keyring) : undefined;
      if (keyId === undefined) continue;
      const { count, until: latest } = counts.get(keyId) ?? { count: 0, until };
      counts.set(keyId, { count: count + 1, until: until > latest ? until : latest });
    }
    last = page.length === PAGE ? page.at(-1)?._id : undefined;
  } while (last);
  return counts;
}

const keyOf = ({ _id, rotation, seed, refreshTokenHash }: Minted, keyring: Keyring): string | undefined => {
  const source = { sessionId: _id.toHexString(), rotation, seed: Buffer.from(seed, 'base64url') };
  return keyOfRefreshToken(keyring, source, refreshTokenHash);
};
