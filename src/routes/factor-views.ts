import { createHash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { CredentialRecord } from '../models/credential.ts';
import type { Factors } from '../models/factor.ts';

const timeOrNull = (at: Date | null | undefined): string | null => at?.toISOString() ?? null;

export const totpView = ({ _id, createdAt, lastUsedAt }: CredentialRecord) => ({
  id: _id.toHexString(),
  createdAt: createdAt.toISOString(),
  lastUsedAt: timeOrNull(lastUsedAt),
});

export const passkeyView = ({ _id, name, transports, backedUp, createdAt, lastUsedAt }: CredentialRecord) => ({
  id: _id.toHexString(),
  name: name ?? '',
  transports: transports ?? [],
  backedUp: backedUp ?? false,
  createdAt: createdAt.toISOString(),
  lastUsedAt: timeOrNull(lastUsedAt),
});

export function factorsView({ totp, recoveryCodes, passkeys }: Factors) {
  const [oldest] = recoveryCodes;
  return {
    totp: totp ? totpView(totp) : null,
    recoveryCodes: oldest ? { left: recoveryCodes.length, createdAt: oldest.createdAt.toISOString() } : null,
    passkeys: passkeys.map(passkeyView),
  };
}

/** A passkey has no count of its changes: its tag is made of all that its owner sees of it. */
const etagOf = (passkey: CredentialRecord): string =>
  `"${createHash('sha256')
    .update(JSON.stringify(passkeyView(passkey)))
    .digest('base64url')
    .slice(0, 22)}"`;

const tags = (header: string): string[] => header.split(',').map((tag) => tag.trim());

/** Whether `If-Match` allows to change it as it is; a weak tag matches nothing (RFC 9110, section 13.1.1). */
export const allowsChange =
  ({ headers }: FastifyRequest) =>
  (passkey: CredentialRecord): boolean => {
    const value = headers['if-match'];
    return value === undefined || tags(value).some((tag) => tag === '*' || tag === etagOf(passkey));
  };

/** Sends a single passkey with its ETag, or 304 to whoever has this version already. */
export function sendPasskey(request: FastifyRequest, reply: FastifyReply, passkey: CredentialRecord) {
  const etag = etagOf(passkey);
  void reply.header('etag', etag);
  const known = request.method === 'GET' ? request.headers['if-none-match'] : undefined;
  if (known !== undefined && tags(known).some((tag) => tag.replace(/^W\//, '') === etag)) return reply.code(304).send();
  return passkeyView(passkey);
}

/** Says where a new passkey is, and which version of it this is. */
export function announcePasskey(reply: FastifyReply, passkey: CredentialRecord): void {
  void reply
    .code(201)
    .header('location', `/v1/users/me/passkeys/${passkey._id.toHexString()}`)
    .header('etag', etagOf(passkey));
}
