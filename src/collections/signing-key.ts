import { SigningKey } from '../models/signing-key.ts';
import { defineCollection } from './define.ts';

export const signingKeys = defineCollection({
  model: SigningKey,
  purpose:
    'Ed25519 keys of access tokens. Each is published before it signs, and until the last token that it signed has expired.',
  public: {},
  admin: {},
  private: {
    _id: 'RFC 7638 thumbprint of the public key; the `kid` of a token.',
    generation: 'Counts up. Unique, so that of several instances that rotate at once one wins.',
    publicJwk: 'Verifies what the private key signed.',
    privateJwk: 'The private half, as a JWK.',
    createdAt: 'Of the key.',
    activatesAt: 'It signs from then on, until the time of the next one has come.',
    expiresAt: 'Set when the next key is made: when the last token signed by this one will have expired.',
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
