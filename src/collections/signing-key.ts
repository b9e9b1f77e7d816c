import { SigningKey } from '../models/signing-key.ts';
import { defineCollection } from './define.ts';

export const signingKeys = defineCollection({
  model: SigningKey,
  purpose: 'Ed25519 keys of access tokens. The newest one signs; the others verify until what they signed has expired.',
  public: {},
  admin: {},
  private: {
    _id: 'RFC 7638 thumbprint of the public key; the `kid` of a token.',
    generation: 'Counts up. Unique, so that of several instances that rotate at once one wins.',
    publicJwk: 'Verifies what the private key signed.',
    privateJwk: 'Encrypted by the keyring.',
    createdAt: 'Of the key.',
    expiresAt: 'Set when a newer key takes over: when the last token signed by this one has expired.',
  },
  computed: {},
  indexes: {
    idx_signing_keys_generation: 'One key for a generation; the newest one.',
    idx_signing_keys_expires_at: 'TTL: a key that no token needs is removed.',
  },
  relations: [],
  enums: {},
  retention: 'TTL on `expiresAt`; the newest one has none.',
  wire: [],
});
